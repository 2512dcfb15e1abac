"""Metrics of requests, and all metrics as Prometheus reads them."""

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from core.db.metrics import DatabaseCollector
from core.metrics import counted

REQUESTS = Counter("shop_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("shop_http_request_seconds", "Time to answer.", ["method", "route"])
PROBLEMS = Counter("shop_problems_total", "Refusals and errors, by code.", ["code"])

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    # What the client chose freely never becomes a label.
    method = request.method if request.method in _METHODS else "other"
    route = request.resolver_match.view_name if request.resolver_match else "unmatched"
    REQUESTS.labels(method, route, response.status_code).inc()
    SECONDS.labels(method, route).observe(seconds)


def exposition() -> bytes:
    now = CollectorRegistry()
    now.register(DatabaseCollector())
    return generate_latest(counted()) + generate_latest(now)
