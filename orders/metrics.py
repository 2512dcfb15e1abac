"""Orders and the outbox as Prometheus sees them."""

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from orders import selectors

ORDERS = Counter("shop_orders_total", "Orders paid.")
# Counted where events are sent, in the worker.
SWEEPS = Counter("shop_delivery_sweeps_total", "Times that the outbox was looked through for due events.")
ATTEMPTS = Counter("shop_delivery_attempts_total", "Posts of an event, by what became of it.", ["outcome"])
LAG = Histogram(
    "shop_delivery_lag_seconds",
    "From the order to the platform's answer, for events delivered.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 21600, 86400),
)
DELIVERED, *_ = [ATTEMPTS.labels(outcome) for outcome in ("delivered", "failed", "dead")]


def collect() -> Iterator[Metric]:
    """How many events wait or are dead, how old the oldest is and how long one has been due."""
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
