"""Metrics of transactions and of the database itself."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, InterfaceError
from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.conventions import modules_named
from core.db import sql, topology
from core.db.primary import takes_writes

CONFLICTS = Counter(
    "shop_transaction_conflicts_total", "Transactions' attempts that a conflict ended.", ["cause"]
)
GIVEN_UP = Counter("shop_transactions_given_up_total", "Transactions answered busy, by cause.", ["cause"])
UNCONFIRMED = Counter("shop_commits_unconfirmed_total", "Commits whose confirmation was waited for in vain.")
PASSED_OVER = Counter(
    "shop_replica_passed_over_total", "Reads that the primary served in the standby's place.", ["reason"]
)

log = structlog.get_logger(__name__)


class DatabaseCollector(Collector):
    """The database, and what is read from it at a scrape: by `collect` of each app's `metrics.py`."""

    def collect(self) -> Iterator[Metric]:
        try:
            readers = [module.collect for module in modules_named("metrics") if hasattr(module, "collect")]
            # The first failure ends all of it: a database that is away costs one attempt.
            metrics = [
                GaugeMetricFamily(
                    "shop_database_lock_waits",
                    "Sessions that wait for a lock now.",
                    *sql.one_row(sql.LOCK_WAITS),
                ),
                *topology.collect(),
                *(metric for collect in readers for metric in collect()),
            ]
            up = takes_writes()
        except (DatabaseError, InterfaceError) as error:
            log.warning("database_not_read", error=str(error))
            metrics, up = [], False
        yield GaugeMetricFamily("shop_database_up", "1 while the database takes writes.", float(up))
        yield from metrics
