"""Prometheus metrics of the best sellers' read model."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from rankings import selectors


def collect() -> Iterator[Metric]:
    age = selectors.window_age_seconds()
    if age is not None:
        yield GaugeMetricFamily(
            "shop_ranking_window_age_seconds",
            "How long ago the sales end that the best sellers' read model has added up.",
            age,
        )
