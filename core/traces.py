"""Traces by OpenTelemetry's packages (requirements-traces.txt), imported where traces are sent alone."""

# ruff: noqa: PLC0415 - nowhere else
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

# version-traceid-parentid-flags, of W3C Trace Context.
LONGEST_TRACEPARENT = 55
UNTRACED: AbstractContextManager[None] = nullcontext()

_tracer: Any = None


def check_endpoint(url: str) -> None:
    """Raises ValueError for what traces cannot be sent to, or by."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError("is no http:// or https:// URL of a host")
    if find_spec("opentelemetry") is None:
        raise ValueError("needs the packages of requirements-traces.txt (locks/traces.txt)")


def start(process: str) -> None:
    """Trace this process from now on, where OTEL_EXPORTER_OTLP_ENDPOINT is set.

    To be called after the last fork, for a thread sends the spans. OTEL_SERVICE_NAME names the process, else
    `pointshop-` with this name.
    """
    global _tracer  # noqa: PLW0603 - one for each process
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT or _tracer is not None:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = {"service.name": f"pointshop-{process}", "service.version": settings.VERSION}
    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say counts before it.
    provider = TracerProvider(resource=Resource.create(ours).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()
    _tracer = trace.get_tracer("pointshop", settings.VERSION)


def trace_requests(application: Any) -> Any:
    """To be called after `start`; the application as it is where that did nothing."""
    if _tracer is None:
        return application
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    # Spans go on with the client's `traceparent`.
    return OpenTelemetryMiddleware(application, request_hook=_name_by_route)


def trace_tasks() -> None:
    """To be called after `start`; does nothing where that did nothing."""
    if _tracer is not None:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument()


def stop() -> None:
    """Send what was not sent yet, where nothing does so at the process's end by itself."""
    if _tracer is not None:
        from opentelemetry import trace

        trace.get_tracer_provider().shutdown()


def traceparent() -> str:
    """The current span, as a `traceparent` names it; empty without one."""
    if _tracer is None:
        return ""
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent", "")[:LONGEST_TRACEPARENT]


def message_span(statements: Iterable[bytes]) -> AbstractContextManager[None]:
    if _tracer is None:
        return UNTRACED
    texts = [each.decode() for each in statements]
    # As psycopg's instrumentation names and describes what goes by a cursor, without values.
    attributes = {"db.system": "postgresql", "db.statement": ";\n".join(texts)}
    return _span(" ".join(dict.fromkeys(each.split(None, 1)[0] for each in texts)), attributes)


def post_span(*, host: str, event_id: str, caused_by: str) -> AbstractContextManager[None]:
    """`caused_by` is a `traceparent`, of the trace that it belongs to, or empty."""
    if _tracer is None:
        return UNTRACED
    from opentelemetry.propagate import extract

    attributes = {"http.method": "POST", "net.peer.name": host, "messaging.message.id": event_id}
    return _span("POST order event", attributes, extract({"traceparent": caused_by}))


@contextmanager
def _span(name: str, attributes: dict[str, str], context: Any = None) -> Iterator[None]:
    from opentelemetry.trace import SpanKind

    with _tracer.start_as_current_span(name, context, SpanKind.CLIENT, attributes):
        yield


def _name_by_route(span: Any, environ: dict[str, Any]) -> None:
    from django.urls import Resolver404, resolve

    try:
        # Of routes there are few, of paths any number.
        route = "/" + resolve(environ["PATH_INFO"]).route.rstrip("$")
    except Resolver404:
        return
    span.update_name(f"{environ['REQUEST_METHOD']} {route}")
    span.set_attribute("http.route", route)
