"""Traces by OpenTelemetry's packages (requirements-traces.txt), imported where traces are sent alone."""

# ruff: noqa: PLC0415 - nowhere else
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from itertools import chain
from logging.handlers import BufferingHandler
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults

from django.conf import settings

# version-traceid-parentid-flags, of W3C Trace Context.
LONGEST_TRACEPARENT = 55
OF_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
# The first of these that is set counts.
HEADERS = "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG"
# The specification's default, without which the library would warn.
ALL = "1.0"
# Never what the library complains of: checked already, or set here.
OURS = {"OTEL_EXPORTER_OTLP_ENDPOINT", OF_TRACES, "OTEL_PROPAGATORS"}
WITHOUT_PACKAGES = "needs the packages of requirements-traces.txt (locks/traces.txt)"
UNTRACED: AbstractContextManager[None] = nullcontext()

_tracer: Any = None


def check_endpoint(url: str) -> None:
    """Raises ValueError, in words that show no value, for what traces cannot be sent to, or by.

    That may be the value of another of OpenTelemetry's variables: what its library would only warn of, or
    would raise at the first request, stops the start, as with the shop's own settings.
    """
    _check_url(url)
    try:
        _check_url(os.environ.get(OF_TRACES) or url)
    except ValueError as error:
        raise ValueError(f"is set, but {OF_TRACES} {error}") from None
    if find_spec("opentelemetry") is None:
        raise ValueError(WITHOUT_PACKAGES)
    for name in [name for name, value in os.environ.items() if name.startswith("OTEL_") and not value]:
        del os.environ[name]  # as good as unset, by OpenTelemetry's specification
    given = sorted({name for name in os.environ if name.startswith("OTEL_")} - OURS)
    if os.environ.setdefault(SAMPLER_ARG, ALL) == ALL:  # also where the process that started this one set it
        given = [name for name in given if name != SAMPLER_ARG]
    # The only one that the shop knows. The library reads this as it is imported, and takes `none`, too.
    os.environ["OTEL_PROPAGATORS"] = "tracecontext"
    if (complaints := _complaints()) and given:
        # Some say the name; the value none may show.
        these = [name for name in given if name.removeprefix("OTEL_") in complaints] or given
        raise ValueError(f"is set, but OpenTelemetry cannot use what these say: {', '.join(these)}")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # it shows the URL
        usable = False
    if not usable:
        raise ValueError("is no http:// or https:// URL of a host")
    # The library logs all of this whenever nothing can be sent there, and appends a path to it.
    if set("?#") & set(url) or "@" in parts.path:
        raise ValueError(
            "has a query, a fragment or an @ behind its host; OTEL_EXPORTER_OTLP_HEADERS has keys"
        )


def _complaints() -> str:
    """What the library says, or raises, when it starts and has its first request; nothing is sent."""
    said, logger = BufferingHandler(capacity=1000), logging.getLogger("opentelemetry")
    said.setLevel(logging.WARNING)
    logger.addHandler(said)
    logger.propagate = False
    try:
        _rehearse()
    except ModuleNotFoundError:  # some of them are there
        raise ValueError(WITHOUT_PACKAGES) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, a process would end with it
        return f"{error!r}"
    finally:
        logger.propagate = True
        logger.removeHandler(said)
    return " ".join(record.getMessage() for record in said.buffer)


def _rehearse() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    from opentelemetry.util.re import parse_env_headers

    def answer(_environ: Any, respond: Any) -> list[bytes]:
        respond("204 No Content", [("Vary", "Accept")])
        return []

    name = next((each for each in HEADERS if each in os.environ), HEADERS[-1])
    for each in chain(*parse_env_headers(os.environ.get(name, ""), liberal=True).items()):
        if not (each.isascii() and each.isprintable()):
            raise ValueError(name)
    BatchSpanProcessor(OTLPSpanExporter()).shutdown()
    TracerProvider(resource=_resource("check", version="0"))
    environ: dict[str, Any] = {"HTTP_ACCEPT": "*/*"}
    setup_testing_defaults(environ)
    # It captures headers of sampled requests alone.
    traced = OpenTelemetryMiddleware(answer, tracer_provider=TracerProvider(sampler=ALWAYS_ON))
    list(traced(environ, lambda *_: None))


def _resource(process: str, *, version: str) -> Any:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {"service.name": f"pointshop-{process}", "service.version": version}
    # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say counts before it.
    return Resource.create(ours).merge(OTELResourceDetector().detect())


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
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(process, version=settings.VERSION))
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
