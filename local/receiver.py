"""A data platform on this machine: takes order events over HTTP."""

import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import structlog
from standardwebhooks import Webhook, WebhookVerificationError

from local.event_log import EventLog, NotAnEvent, Refused, parse_event
from orders.outbox.events import CONTENT_TYPE

MAX_BODY_BYTES = 1024 * 1024
LONGEST_LENGTH = 20

log = structlog.get_logger(__name__)


class WrongSignature(Refused):
    """The signature is missing, old or not made with our secret."""

    status = HTTPStatus.UNAUTHORIZED


class WrongSecret(Refused):
    """Who asks to see events does not say our secret."""

    status = HTTPStatus.FORBIDDEN


class WrongContentType(Refused):
    """The body is not announced as a CloudEvent in structured mode."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooLarge(Refused):
    """The body is longer than MAX_BODY_BYTES."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def verify_signature(*, secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check the Standard Webhooks headers of a body. Raises WrongSignature."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise WrongSignature(f"the signature does not fit: {error}") from error


class Handler(BaseHTTPRequestHandler):
    """POST /events; and GET /events for who says the secret, as a bearer token."""

    server: "Receiver"
    protocol_version = "HTTP/1.1"
    server_version = "data-platform"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._route({"/events": self._show_events})

    def do_POST(self) -> None:
        self._route({"/events": self._take_event})

    def _route(self, actions: Mapping[str, Callable[[bytes], None]]) -> None:
        try:
            body = self._body()
            action = actions.get(self.path.partition("?")[0])
            if self.command != "POST":
                self._require_secret()
            if action is None:
                self._answer(HTTPStatus.NOT_FOUND, {"error": "no such URL"})
            else:
                action(body)
        except Refused as refusal:
            log.warning("event_refused", status=refusal.status.value, reason=str(refusal))
            self._answer(refusal.status, {"error": str(refusal)})

    def _body(self) -> bytes:
        """The request's body; after one of unknown length, which is not read, the connection ends."""
        length, *others = self.headers.get_all("Content-Length", ["0"])
        if others or "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdecimal()):
            self.close_connection = True
            raise NotAnEvent("one Content-Length is needed")
        # Python reads no more than 4,300 digits.
        if len(length) > LONGEST_LENGTH or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise TooLarge(f"at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            raise NotAnEvent("the body broke off")
        return body

    def _require_secret(self) -> None:
        """Any account of this machine may connect. Raises WrongSecret, always where there is no secret."""
        said = self.headers.get("Authorization", "").encode()
        if not (self.server.secret and hmac.compare_digest(said, f"Bearer {self.server.secret}".encode())):
            raise WrongSecret("needs DATA_PLATFORM_SECRET as a bearer token")

    def _show_events(self, _body: bytes) -> None:
        events = self.server.events
        self._answer(HTTPStatus.OK, {"count": events.count, "last": list(events.last)})

    def _take_event(self, body: bytes) -> None:
        """Answer 202 to a new event, 200 to a known one. Raises Refused."""
        if self.headers.get_content_type() != CONTENT_TYPE:
            raise WrongContentType(f"expected {CONTENT_TYPE}")
        if self.server.secret:
            verify_signature(secret=self.server.secret, headers=dict(self.headers.items()), body=body)
        event = parse_event(body=body)
        if self.headers.get("webhook-id", event["id"]) != event["id"]:
            raise NotAnEvent("webhook-id is not the event's id")
        is_new = self.server.events.add(event=event)
        log.info(
            "event_received" if is_new else "event_known",
            event_id=event["id"],
            subject=event.get("subject"),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        self._answer(HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK, {"id": event["id"]})

    def _answer(self, status: int, data: object) -> None:
        body = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep silent: what happened to an event is logged where it happens."""


class Receiver(ThreadingHTTPServer):
    """The server; listening once made, answering while `serve_forever` runs."""

    handler: ClassVar[type[Handler]] = Handler
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, host: str, port: int, file: Path, secret: str = "") -> None:
        """Raises OSError where the port is not to be had; an empty secret checks no signatures."""
        self.secret = secret
        self.events = EventLog(file=file)
        super().__init__((host, port), self.handler)

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Log as everything else is logged; that somebody hangs up half-way is nothing to look into."""
        error = sys.exception()
        if isinstance(error, ConnectionError):
            log.info("connection_lost", error=repr(error))
        else:
            log.error("request_failed", exc_info=error)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/events"
