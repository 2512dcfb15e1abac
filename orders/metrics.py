"""The outbox as Prometheus sees it."""

from collections.abc import Iterator

import structlog
from django.db import DatabaseError, InterfaceError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from orders import selectors

log = structlog.get_logger(__name__)


class OutboxCollector(Collector):
    """Reads the outbox at each scrape; says nothing while the database is away."""

    def collect(self) -> Iterator[Metric]:
        """How many events wait or are dead, and how long the oldest has been due."""
        try:
            backlog = selectors.backlog()
        except (DatabaseError, InterfaceError) as error:
            log.warning("outbox_not_read", error=str(error))
            return
        yield GaugeMetricFamily("shop_events_pending", "Events not delivered yet.", backlog.pending)
        yield GaugeMetricFamily("shop_events_dead", "Events given up on.", backlog.dead)
        yield GaugeMetricFamily(
            "shop_events_oldest_seconds", "Age of the oldest event not delivered yet.", backlog.oldest_seconds
        )
