"""Talking to the data platform over HTTP."""

import re
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from http.client import HTTPResponse
from typing import Any

import urllib3
from standardwebhooks import Webhook
from urllib3.connection import HTTPConnection, HTTPSConnection

from orders.events import CONTENT_TYPE

CONNECT_SECONDS = 2
READ_SECONDS = 5
# A platform that sends a byte now and then never runs into READ_SECONDS.
WHOLE_POST_SECONDS = 10
SUCCESS = range(200, 300)
LONGEST_ANSWER_BYTES = 64 * 1024
MAX_RETRY_AFTER_SECONDS = 6 * 3600


class DeliveryFailed(Exception):
    """The platform did not take the event; `retry_after` is how many seconds it asked us to wait."""

    def __init__(self, reason: str, *, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass
class _Posts:
    """The posts of all threads that are under way: since when (monotonic), and over which connection."""

    under_way: dict[int, tuple[float, HTTPConnection]] = field(default_factory=dict)

    def begin(self, connection: HTTPConnection) -> None:
        self.under_way[threading.get_ident()] = time.monotonic(), connection

    def end(self) -> None:
        self.under_way.pop(threading.get_ident(), None)

    def cut_overdue(self) -> None:
        """End the connection of every post that takes too long; its thread then sees an error."""
        oldest = time.monotonic() - WHOLE_POST_SECONDS
        for began, connection in list(self.under_way.values()):
            if began < oldest and connection.sock:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


_POSTS = _Posts()


class _Lines:
    """An answer's bytes, and the last line that was read of them; at their end that is empty."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.answer.readline(limit)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self.answer, name)


class _WholeHead(HTTPResponse):
    """An answer whose headers count only with the blank line that ends them."""

    def begin(self) -> None:
        """Read the head. Raises ConnectionError for one that breaks off, which http.client takes as whole."""
        lines = _Lines(self.fp)
        self.fp = lines  # type: ignore[assignment]
        super().begin()
        if not lines.last:
            raise ConnectionAbortedError("the answer broke off in its headers")
        self.fp = lines.answer


class _Watched:
    """A connection whose posts can be cut from another thread, and whose requests leave in one piece."""

    response_class = _WholeHead

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send, under watch."""
        _POSTS.begin(self)  # type: ignore[arg-type]
        self.pieces: list[bytes] = []
        super().request(*args, **kwargs)  # type: ignore[misc]
        super().send(b"".join(self.pieces))  # type: ignore[misc]

    def send(self, data: bytes) -> None:
        """Keep head and body together: sent apart they cost both sides a turn more each."""
        self.pieces.append(data)


class _HTTP(urllib3.HTTPConnectionPool):
    ConnectionCls = type("WatchedHTTPConnection", (_Watched, HTTPConnection), {})


class _HTTPS(urllib3.HTTPSConnectionPool):
    ConnectionCls = type("WatchedHTTPSConnection", (_Watched, HTTPSConnection), {})


@dataclass(frozen=True)
class Platform:
    """Where events go. Without a signer they go unsigned."""

    url: str
    signer: Webhook | None
    http: urllib3.PoolManager

    @classmethod
    def at(cls, *, url: str, secret: str, connections: int) -> "Platform":
        """A platform that is posted to over at most so many connections."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        http = urllib3.PoolManager(maxsize=connections, timeout=timeout)
        http.pool_classes_by_scheme = {"http": _HTTP, "https": _HTTPS}
        return cls(url, Webhook(secret) if secret else None, http)

    @cached_property
    def _place(self) -> tuple[urllib3.HTTPConnectionPool, str]:
        """The connections to the host, and the path there. Raises HTTPError for a URL that leads nowhere."""
        return self.http.connection_from_url(self.url), urllib3.util.parse_url(self.url).request_uri

    def post(self, *, event_id: str, body: bytes, request_id: str = "") -> None:
        """Send one event, under the id of the request that caused it; only 2xx is success.

        Redirects are not followed. Raises DeliveryFailed.
        """
        try:
            pool, path = self._place
            response = pool.urlopen(
                "POST",
                path,
                body=body,
                headers=self._headers(event_id, body, request_id),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            _finish(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        finally:
            _POSTS.end()
        if response.status not in SUCCESS:
            raise DeliveryFailed(
                f"HTTP {response.status}", retry_after=_seconds(response.headers.get("Retry-After", ""))
            )

    def cut_overdue(self) -> None:
        """Fail every post that has taken longer than WHOLE_POST_SECONDS."""
        _POSTS.cut_overdue()

    def _headers(self, event_id: str, body: bytes, request_id: str) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE}
        if request_id:
            headers["X-Request-Id"] = request_id
        if self.signer:
            now = datetime.now(tz=UTC)
            headers["webhook-id"] = event_id
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = self.signer.sign(event_id, now, body.decode())
        return headers


def _finish(response: urllib3.BaseHTTPResponse) -> None:
    """Read a short answer to its end and keep the connection, close it after a longer one.

    What it says does not count, but that it is whole does: raises HTTPError for half an answer.
    """
    response.read(LONGEST_ANSWER_BYTES, decode_content=False)
    if response.read(1, decode_content=False):
        response.close()
    response.release_conn()


def _seconds(retry_after: str) -> int:
    """The seconds form of Retry-After, bounded; 0 for anything else."""
    if not re.fullmatch(r"[0-9]{1,9}", retry_after, re.ASCII):
        return 0
    return min(int(retry_after), MAX_RETRY_AFTER_SECONDS)
