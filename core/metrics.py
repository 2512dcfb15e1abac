"""What Prometheus is told, correct when several processes count.

Counters and histograms are each process's own and summed over the files in PROMETHEUS_MULTIPROC_DIR, those of
the dead included. None is a gauge: what holds for the whole shop is read from the database at each scrape.
"""

import os
from collections.abc import Iterator
from functools import cache

import structlog
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from core.readiness import takes_writes

REQUESTS = Counter("shop_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("shop_http_request_seconds", "Time to answer.", ["method", "route"])
PROBLEMS = Counter("shop_problems_total", "Refusals and errors, by code.", ["code"])
CONFLICTS = Counter("shop_transaction_conflicts_total", "Attempts of transactions to be run anew.", ["cause"])
GIVEN_UP = Counter("shop_transactions_given_up_total", "Transactions answered busy, by cause.", ["cause"])
REDIS_FALLBACKS = Counter("shop_redis_fallbacks_total", "Times that Redis was done without.", ["used_for"])
DISCARDED_MESSAGES = Counter("shop_broker_messages_discarded_total", "Messages of no use to the worker.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Ours is the one that asks.
_LOCK_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""
_at_scrape: list[Collector] = []

log = structlog.get_logger(__name__)


def collect_at_scrape(collector: Collector) -> None:
    """Add a collector that is asked anew at each scrape, if the database answers."""
    _at_scrape.append(collector)


def observe_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count one answered request; what the client chose freely never becomes a label."""
    method = request.method if request.method in _METHODS else "other"
    route = request.resolver_match.view_name if request.resolver_match else "unmatched"
    requests, duration = _of_requests(method, route, response.status_code)
    requests.inc()
    duration.observe(seconds)


@cache
def _of_requests(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Kept, as looking labels up takes longer than counting."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route)


def counted() -> CollectorRegistry:
    """What the processes of this server have counted, all together."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry


def exposition() -> bytes:
    """All metrics in Prometheus's text format."""
    now = CollectorRegistry()
    now.register(_Database())
    return generate_latest(counted()) + generate_latest(now)


class _Database(Collector):
    """The database, and what is read from it."""

    def collect(self) -> Iterator[Metric]:
        """Whether it takes writes, and what is read from it; a database that is away costs one attempt."""
        try:
            metrics = [_lock_waits(), *(metric for each in _at_scrape for metric in each.collect())]
            up = takes_writes()
        except (DatabaseError, InterfaceError) as error:
            log.warning("database_not_read", error=str(error))
            metrics, up = [], False
        yield GaugeMetricFamily("shop_database_up", "1 while the database takes writes.", float(up))
        yield from metrics


def _lock_waits() -> Metric:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_WAITS)
        (waiting,) = cursor.fetchone()
    return GaugeMetricFamily("shop_database_lock_waits", "Sessions that wait for a lock now.", waiting)
