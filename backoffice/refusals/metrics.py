"""Metrics of the recording of refusals."""

from prometheus_client import Counter

LOST = Counter(
    "shop_refusals_lost_total", "Refusals that could not be kept, as the database was away or busy."
)
