"""A data platform on this machine: takes order events over HTTP."""

import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from django.http.request import HttpHeaders
from standardwebhooks import Webhook, WebhookVerificationError
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from local.event_log import EventLog, Refused, parse_event
from orders.outbox.platform import CONTENT_TYPE

MAX_BODY_BYTES = 1024 * 1024
# As many as the two processes of a worker post at once.
THREADS = 64

log = structlog.get_logger(__name__)


class Receiver:
    """POST /events; and GET /events for who says the secret, as a bearer token. A WSGI application."""

    def __init__(self, *, file: Path, secret: str) -> None:
        """An empty secret checks no signatures."""
        self.secret = secret
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
        """The status and the JSON that answer a request."""
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
        """Any account of this machine may connect. Raises Refused, always where there is no secret."""
        given = headers.get("Authorization", "").encode()
        if not (self.secret and hmac.compare_digest(given, f"Bearer {self.secret}".encode())):
            raise Refused("needs DATA_PLATFORM_SECRET as a bearer token", status=HTTPStatus.FORBIDDEN)

    def _take(self, headers: Mapping[str, str], body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
        """Answer 202 to a new event, 200 to a known one. Raises Refused."""
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


def server_of(receiver: Receiver, listening: socket.socket) -> MultiSocketServer | BaseWSGIServer:
    """A server that answers at a listening socket while it runs."""
    return create_server(
        receiver,
        sockets=[listening],
        threads=THREADS,
        max_request_body_size=MAX_BODY_BYTES + 1,
        ident="data-platform",
    )
