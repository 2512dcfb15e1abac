"""Metrics for Prometheus, correct when several processes count.

Counters and histograms are each process's own and summed over the files in PROMETHEUS_MULTIPROC_DIR, those of
the dead included. None is a gauge: what holds for the whole shop is read from the database at each scrape.
"""

import os

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

REDIS_FALLBACKS = Counter("shop_redis_fallbacks_total", "Times that Redis was done without.", ["used_for"])
DISCARDED_MESSAGES = Counter("shop_broker_messages_discarded_total", "Messages of no use to the worker.")


def counted() -> CollectorRegistry:
    """Of all processes of this server; of this one alone without PROMETHEUS_MULTIPROC_DIR."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
