"""A data platform on this machine: takes order events over HTTP, and misbehaves when told to."""

import hashlib
import hmac
import json
import math
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import structlog
from standardwebhooks import Webhook, WebhookVerificationError

from orders.outbox.events import CONTENT_TYPE

MAX_BODY_BYTES = 1024 * 1024
LONGEST_LENGTH = 20
MAX_DELAY_SECONDS = 3600
SHOWN = 20
REQUIRED = ("specversion", "id", "source", "type")
# Makes the kernel send a reset instead of an orderly end.
NO_LINGER = struct.pack("ii", 1, 0)

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The request is answered with `status` and the reason."""

    status = HTTPStatus.BAD_REQUEST


class NotAnEvent(Refused):
    """The body is no CloudEvent."""


class InvalidBehaviour(Refused):
    """The body describes no behaviour."""


class WrongSignature(Refused):
    """The signature is missing, old or not made with our secret."""

    status = HTTPStatus.UNAUTHORIZED


class WrongSecret(Refused):
    """Who asks to see events, or to change how they are treated, does not say our secret."""

    status = HTTPStatus.FORBIDDEN


class WrongContentType(Refused):
    """The body is not announced as a CloudEvent in structured mode."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooLarge(Refused):
    """The body is longer than MAX_BODY_BYTES."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@dataclass(frozen=True)
class Behaviour:
    """What is done to the next requests; as it stands, nothing unusual.

    `delay` and `retry_after` are seconds, `times` is how many requests it lasts (None: until changed).
    A status outside 2xx, or `reset`, takes no event.
    """

    status: int | None = None
    delay: float = 0
    reset: bool = False
    retry_after: int | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        _require(self.status is None or _is_integer(self.status, 200, 599), "status is 200 to 599, or null")
        _require(_is_seconds(self.delay), f"delay is 0 to {MAX_DELAY_SECONDS} seconds")
        _require(isinstance(self.reset, bool), "reset is true or false")
        _require(self.retry_after is None or _is_integer(self.retry_after, 0), "retry_after is whole seconds")
        _require(self.times is None or _is_integer(self.times, 1), "times is 1 or more, or null")

    @classmethod
    def described_by(cls, *, data: object) -> "Behaviour":
        """The behaviour that a JSON object describes. Raises InvalidBehaviour."""
        names = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or not data.keys() <= names:
            raise InvalidBehaviour(f"expected an object with some of {', '.join(sorted(names))}")
        return cls(**data)

    @property
    def takes_events(self) -> bool:
        """Whether a good event is kept all the same."""
        return not self.reset and (self.status is None or self.status < HTTPStatus.MULTIPLE_CHOICES)


def _require(fits: bool, message: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not fits:
        raise InvalidBehaviour(message)


def _is_integer(value: object, smallest: int, largest: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_DELAY_SECONDS


class Manners:
    """The behaviour of the moment, counted down over all threads."""

    def __init__(self, *, behaviour: Behaviour) -> None:
        self.current = behaviour
        self._turn = threading.Lock()

    def for_next_request(self) -> Behaviour:
        """What to do to this request; the last of its `times` brings good behaviour back."""
        with self._turn:
            now = self.current
            if now.times is not None:
                self.current = replace(now, times=now.times - 1) if now.times > 1 else Behaviour()
            return now


class Journal:
    """The events taken, one JSON line each; those already in the file are known."""

    def __init__(self, *, file: Path) -> None:
        self.file = file
        self.last: deque[dict[str, Any]] = deque(maxlen=SHOWN)
        self._ids: set[str] = set()
        self._turn = threading.Lock()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            file.chmod(0o600)
            self._read()

    @property
    def count(self) -> int:
        """How many different events were ever taken."""
        return len(self._ids)

    def add(self, *, event: dict[str, Any]) -> bool:
        """Keep an event; False where it is known. Raises NotAnEvent; OSError where it cannot be written."""
        try:
            line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise NotAnEvent(f"a text is none in UTF-8: {error.reason}") from error
        with self._turn:
            if event["id"] in self._ids:
                return False
            # Unbuffered and appending: the whole line goes to the file in one piece, at once.
            with open(self.file, "ab", buffering=0, opener=_for_us_alone) as output:
                output.write(line)
            self._know(event)
            return True

    def _read(self) -> None:
        text = self.file.read_bytes()
        for line in text.splitlines():
            try:
                self._know(parse_event(body=line))
            except NotAnEvent:
                log.warning("line_ignored", file=str(self.file), line=line[:80].decode(errors="replace"))
        if text and not text.endswith(b"\n"):  # a killed writer's last line
            with self.file.open("ab") as output:
                output.write(b"\n")

    def _know(self, event: dict[str, Any]) -> None:
        self._ids.add(event["id"])
        self.last.append(event)


def _for_us_alone(file: str, flags: int) -> int:
    return os.open(file, flags, 0o600)


def parse_event(*, body: bytes) -> dict[str, Any]:
    """The CloudEvent in a body. Raises NotAnEvent."""
    event = _parse_json(body, NotAnEvent)
    if not isinstance(event, dict):
        raise NotAnEvent("a CloudEvent is a JSON object")
    missing = [name for name in REQUIRED if not (isinstance(event.get(name), str) and event[name])]
    if missing:
        raise NotAnEvent(f"a CloudEvent has the texts {', '.join(missing)}")
    if event["specversion"] != "1.0":
        raise NotAnEvent("this is not CloudEvents 1.0")
    return event


def _parse_json(body: bytes, refusal: type[Refused]) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refusal(f"this is not JSON: {error}") from error
    return parsed


def verify_signature(*, secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check the Standard Webhooks headers of a body. Raises WrongSignature."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise WrongSignature(f"the signature does not fit: {error}") from error


class Handler(BaseHTTPRequestHandler):
    """POST /events; and for who says the secret, as a bearer token: GET /events, GET and PUT /behaviour."""

    server: "Receiver"
    protocol_version = "HTTP/1.1"
    server_version = "data-platform"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Show what was taken, or how requests are treated."""
        self._route({"/events": self._show_events, "/behaviour": self._show_behaviour})

    def do_PUT(self) -> None:
        """Change how requests are treated."""
        self._route({"/behaviour": self._change_behaviour})

    def do_POST(self) -> None:
        """Take an event."""
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
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdecimal()):
            self.close_connection = True
            raise NotAnEvent("Content-Length is needed")
        # Python reads no more than 4,300 digits.
        if len(length) > LONGEST_LENGTH or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise TooLarge(f"at most {MAX_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _require_secret(self) -> None:
        """Any account of this machine may connect. Raises WrongSecret, always where there is no secret."""
        said = self.headers.get("Authorization", "").encode()
        if not (self.server.secret and hmac.compare_digest(said, f"Bearer {self.server.secret}".encode())):
            raise WrongSecret("needs DATA_PLATFORM_SECRET as a bearer token")

    def _show_events(self, _body: bytes) -> None:
        journal = self.server.journal
        self._answer(HTTPStatus.OK, {"count": journal.count, "last": list(journal.last)})

    def _show_behaviour(self, _body: bytes) -> None:
        self._answer(HTTPStatus.OK, asdict(self.server.manners.current))

    def _change_behaviour(self, body: bytes) -> None:
        self.server.manners.current = Behaviour.described_by(data=_parse_json(body, InvalidBehaviour))
        self._show_behaviour(b"")

    def _take_event(self, body: bytes) -> None:
        behaviour = self.server.manners.for_next_request()
        time.sleep(behaviour.delay)
        if behaviour.reset:
            self._reset()
        elif behaviour.takes_events:
            status, event_id = self._keep(body)
            self._answer(behaviour.status or status, {"id": event_id}, behaviour.retry_after)
        else:
            self._answer(behaviour.status or 0, {"error": "told to misbehave"}, behaviour.retry_after)

    def _keep(self, body: bytes) -> tuple[HTTPStatus, str]:
        """202 for a new event, 200 for a known one, and its id. Raises Refused."""
        if self.headers.get_content_type() != CONTENT_TYPE:
            raise WrongContentType(f"expected {CONTENT_TYPE}")
        if self.server.secret:
            verify_signature(secret=self.server.secret, headers=dict(self.headers.items()), body=body)
        event = parse_event(body=body)
        if self.headers.get("webhook-id", event["id"]) != event["id"]:
            raise NotAnEvent("webhook-id is not the event's id")
        is_new = self.server.journal.add(event=event)
        log.info(
            "event_received" if is_new else "event_known",
            event_id=event["id"],
            subject=event.get("subject"),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        return HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK, event["id"]

    def _answer(self, status: int, data: object, retry_after: int | None = None) -> None:
        body = json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        # The reader shares the socket, which closes with the last of the two.
        self.rfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep silent: what happened to an event is logged where it happens."""


class Receiver(ThreadingHTTPServer):
    """The server; listening once made, answering while `serve_forever` runs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, *, host: str, port: int, file: Path, secret: str = "", behaviour: Behaviour | None = None
    ) -> None:
        """Raises OSError where the port is not to be had; an empty secret checks no signatures."""
        self.secret = secret
        self.journal = Journal(file=file)
        self.manners = Manners(behaviour=behaviour or Behaviour())
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        """Where events are posted to."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/events"
