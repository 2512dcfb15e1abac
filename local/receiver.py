"""A data platform on this machine: takes order events over HTTP and keeps them in a file."""

import errno
import fcntl
import hashlib
import hmac
import json
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from django.http.request import HttpHeaders
from standardwebhooks import Webhook, WebhookVerificationError
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from core.embedded.owner import give_to_owner
from orders.outbox.platform import CONTENT_TYPE

MAX_BODY_BYTES = 1024 * 1024
# As many as the two processes of a worker post at once.
THREADS = 64
NEWEST = 20
REQUIRED = ("specversion", "id", "source", "type")

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The request is answered with `status` and the reason."""

    def __init__(self, reason: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(reason)
        self.status = status


class Receiver:
    """POST /events; and GET /events for who says the secret, as a bearer token. A WSGI application."""

    def __init__(self, *, file: Path, secret: str) -> None:
        self.secret = secret  # empty: signatures are not checked, and nobody may read
        self.events = EventLog(file=file)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, answer = self.answer(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            headers=HttpHeaders(environ),
            body=environ["wsgi.input"].read(),
        )
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [answer]

    def answer(
        self, *, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HTTPStatus, bytes]:
        data: dict[str, Any]
        try:
            if method != "POST":
                self._require_secret(headers)
            if path != "/events":
                status, data = HTTPStatus.NOT_FOUND, {"error": "no such URL"}
            elif method == "POST":
                status, data = self._take(headers, body)
            else:
                newest = list(self.events.newest)
                status, data = HTTPStatus.OK, {"count": len(self.events.ids), "last": newest}
        except Refused as refusal:
            log.warning("event_refused", status=refusal.status.value, reason=str(refusal))
            status, data = refusal.status, {"error": str(refusal)}
        return status, json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"

    def _require_secret(self, headers: Mapping[str, str]) -> None:
        # Any account of this machine may connect.
        given = headers.get("Authorization", "").encode()
        if not (self.secret and hmac.compare_digest(given, f"Bearer {self.secret}".encode())):
            raise Refused("needs DATA_PLATFORM_SECRET as a bearer token", status=HTTPStatus.FORBIDDEN)

    def _take(self, headers: Mapping[str, str], body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise Refused(f"expected {CONTENT_TYPE}", status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if self.secret:
            try:
                Webhook(self.secret).verify(body, dict(headers), json_parse=False)
            except (WebhookVerificationError, ValueError) as error:
                raise Refused(
                    f"the signature does not fit: {error}", status=HTTPStatus.UNAUTHORIZED
                ) from error
        event = parse_event(body=body)
        if headers.get("Webhook-Id", event["id"]) != event["id"]:
            raise Refused("webhook-id is not the event's id")
        is_new = self.events.add(event=event)
        log.info(
            "event_received" if is_new else "event_known",
            event_id=event["id"],
            subject=event.get("subject"),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        return HTTPStatus.ACCEPTED if is_new else HTTPStatus.OK, {"id": event["id"]}


class EventLog:
    """The events taken, one JSON line each; those already in the file are known."""

    def __init__(self, *, file: Path) -> None:
        self.file = file
        self.newest: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        self.ids: set[str] = set()
        self._turn = threading.Lock()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            file.chmod(0o600)
            self._read()

    def add(self, *, event: dict[str, Any]) -> bool:
        """Keep an event; False where it is known. Raises Refused; OSError where it cannot be written."""
        try:
            line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise Refused(f"a text is none in UTF-8: {error.reason}") from error
        with self._turn:
            if event["id"] in self.ids:
                return False
            # Unbuffered and appending: the whole line goes to the file in one piece, at once.
            with open(self.file, "ab", buffering=0, opener=_private) as output:
                fcntl.flock(output, fcntl.LOCK_EX)  # shops on other ports of this machine write there, too
                end = output.seek(0, os.SEEK_END)
                if output.write(line) < len(line):
                    output.truncate(end)  # or the next event would be glued to half of this one
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._remember(event)
            return True

    def _read(self) -> None:
        text = self.file.read_bytes()
        for line in text.splitlines():
            try:
                self._remember(parse_event(body=line))
            except Refused:
                log.warning("line_ignored", file=str(self.file), line=line[:80].decode(errors="replace"))
        if text and not text.endswith(b"\n"):  # a killed writer's last line
            with self.file.open("ab") as output:
                output.write(b"\n")

    def _remember(self, event: dict[str, Any]) -> None:
        self.ids.add(event["id"])
        self.newest.append(event)


def _private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    give_to_owner(descriptor, checkout=Path(path).parent)
    return descriptor


def parse_event(*, body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"this is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise Refused("a CloudEvent is a JSON object")
    if missing := [name for name in REQUIRED if not (isinstance(event.get(name), str) and event[name])]:
        raise Refused(f"a CloudEvent has the texts {', '.join(missing)}")
    if event["specversion"] != "1.0":
        raise Refused("this is not CloudEvents 1.0")
    return event


def server_of(receiver: Receiver, listening: socket.socket) -> MultiSocketServer | BaseWSGIServer:
    return create_server(
        receiver,
        sockets=[listening],
        threads=THREADS,
        max_request_body_size=MAX_BODY_BYTES + 1,
        ident="data-platform",
    )
