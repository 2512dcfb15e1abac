"""A receiver of traces over OTLP, which keeps every span that it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Span:
    """A span, with ids in hexadecimal as a `traceparent` has them; `whole` is all that was sent of it."""

    service: str
    library: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    whole: str

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace}-{self.id}-01"


@dataclass
class Receiver:
    """Where it listens, and what came."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def of(self, trace: str) -> list[Span]:
        return [span for span in self.spans if span.trace == trace]

    def named(self, name: str, trace: str = "") -> list[Span]:
        """The spans of a name, of one trace or of any."""
        return [span for span in self.spans if span.name == name and trace in {"", span.trace}]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One that listens until the block ends."""
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            received.spans += _spans(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield received
        server.shutdown()


def _spans(body: bytes) -> Iterator[Span]:
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2  # noqa: PLC0415 - conftest finds it

    for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _attributes(resource.resource)["service.name"]
        for scope in resource.scope_spans:
            for each in scope.spans:
                ids = each.trace_id.hex(), each.span_id.hex(), each.parent_span_id.hex()
                about = service, scope.scope.name, each.name, each.kind
                yield Span(*about, *ids, _attributes(each), str(each))


def _attributes(owner: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in owner.attributes}
