"""The hourly rebuild as Prometheus sees it."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rankings import selectors


class RebuildCollector(Collector):
    """Reads at each scrape up to when the read model has added up."""

    def collect(self) -> Iterator[Metric]:
        """The age of the read model's newest hour; nothing before the first rebuild."""
        age = selectors.window_age_seconds()
        if age is not None:
            yield GaugeMetricFamily(
                "shop_ranking_window_age_seconds",
                "How long ago the rebuilt hours of the best sellers end.",
                age,
            )
