"""Orders and the outbox as Prometheus sees them."""

from collections.abc import Iterator

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric

from orders import selectors

ORDERS = Counter("shop_orders_total", "Orders paid.")


def collect() -> Iterator[Metric]:
    outbox = selectors.outbox_status()
    yield GaugeMetricFamily("shop_events_pending", "Events not delivered yet.", outbox.pending)
    yield GaugeMetricFamily("shop_events_dead", "Events given up on.", outbox.dead)
    yield GaugeMetricFamily(
        "shop_events_oldest_seconds",
        "Age of the oldest event not delivered yet.",
        selectors.oldest_pending_seconds(),
    )
    yield GaugeMetricFamily(
        "shop_events_overdue_seconds",
        "How long the event that is due longest has waited for its turn.",
        outbox.overdue_seconds,
    )
