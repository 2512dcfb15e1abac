"""What Prometheus is told, correct when several web processes count."""

import os

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

REQUESTS = Counter("shop_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("shop_http_request_seconds", "Time to answer.", ["method", "route"])
PROBLEMS = Counter("shop_problems_total", "Refusals and errors, by code.", ["code"])

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_at_scrape: list[Collector] = []


def collect_at_scrape(collector: Collector) -> None:
    """Add a collector that is asked anew at each scrape, in whichever process answers it."""
    _at_scrape.append(collector)


def observe_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count one answered request; what the client chose freely never becomes a label."""
    method = request.method if request.method in _METHODS else "other"
    route = request.resolver_match.view_name if request.resolver_match else "unmatched"
    REQUESTS.labels(method, route, response.status_code).inc()
    SECONDS.labels(method, route).observe(seconds)


def exposition() -> bytes:
    """All metrics in Prometheus's text format."""
    counted = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    now = CollectorRegistry()
    for collector in _at_scrape:
        now.register(collector)
    return generate_latest(counted) + generate_latest(now)
