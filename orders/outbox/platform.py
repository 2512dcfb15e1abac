"""The data platform over HTTP: one post under way at a time on each connection, which answers that alone."""

import math
import re
import select
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import Any

from django.utils.http import parse_http_date_safe
from standardwebhooks import Webhook

from orders.outbox.answers import FinalAnswer, without_waiting
from orders.outbox.destination import Destination
from orders.outbox.events import CONTENT_TYPE

SUCCESS = range(200, 300)
LONGEST_REASON = 300
MAX_RETRY_AFTER_SECONDS = 6 * 3600
CONNECT_SECONDS = 2
READ_SECONDS = 5
# So soon no platform, proxy or firewall has forgotten a connection.
KEEP_SECONDS = 5
# A platform that sends a byte now and then never runs into a time-out between two of them.
WHOLE_POST_SECONDS = 10
LONGEST_ANSWER_BYTES = 64 * 1024


class DeliveryFailed(Exception):
    """The platform did not take the event; `retry_after` is how many seconds it asked us to wait.

    The reason holds what the platform sent, so it is cut, and what cannot be printed is replaced.
    """

    def __init__(self, reason: str, *, retry_after: int = 0) -> None:
        printable = (sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in reason)
        super().__init__("".join(printable)[:LONGEST_REASON])
        self.retry_after = retry_after


@dataclass
class InFlight:
    """The posts of all threads that are under way: since when (monotonic), and over which connection."""

    posts: dict[int, tuple[float, "_DeadlineConnection"]] = field(default_factory=dict)

    def begin(self, connection: "_DeadlineConnection") -> None:
        self.posts[threading.get_ident()] = time.monotonic(), connection

    def end(self) -> None:
        self.posts.pop(threading.get_ident(), None)

    def cut_overdue(self) -> None:
        """End the connection of every post that takes too long; its thread then sees an error."""
        oldest = time.monotonic() - WHOLE_POST_SECONDS
        for began, connection in list(self.posts.values()):
            wire = connection.sock or connection.answering
            if began < oldest and wire:
                with suppress(OSError):
                    # Not TLS's own, after which its reader would take what is encrypted for the answer.
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)


IN_FLIGHT = InFlight()


class _DeadlineConnection(HTTPConnection):
    """A connection whose posts can be cut from another thread, and whose requests leave in one piece."""

    sock: Any
    answering: Any = None

    def __init__(self, host: str, port: int, **kwargs: Any) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS, **kwargs)
        self.used_at = 0.0
        self.response_class = partial(FinalAnswer, connection=self)  # type: ignore[assignment]

    @property
    def is_connected(self) -> bool:
        """Whether it is open and nothing waits to be read, which can be no answer to what is sent next."""
        if self.sock is None:
            return False
        if not isinstance(self.sock, ssl.SSLSocket):
            ready = select.poll()
            ready.register(self.sock, select.POLLIN)
            return not ready.poll(0)
        with without_waiting(self.sock):  # what comes by TLS may be no more than TLS's own
            try:
                self.sock.recv(1)
            except ssl.SSLWantReadError:
                return True
            except OSError:
                return False
        return False

    def connect(self) -> None:
        """As http.client does, then wait longer for answers."""
        super().connect()
        self.sock.settimeout(READ_SECONDS)

    def post(self, target: str, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
        """Send, under watch; the whole answer. A connection that may be used again is open afterwards.

        Raises OSError, HTTPException or ValueError, also where the platform speaks first, or takes or says
        only a part.
        """
        IN_FLIGHT.begin(self)
        try:
            if not self.is_connected:
                self._reconnect()
            self.pieces: list[bytes] = []
            self.request("POST", target, body, headers)
            self.sock.sendall(b"".join(self.pieces))
            answer: HTTPResponse = self.getresponse()
            self._finish(answer)
        except BaseException:
            self.close()
            raise
        finally:
            IN_FLIGHT.end()
        self.used_at = time.monotonic()
        return answer

    def _reconnect(self) -> None:
        self.close()
        self.answering = None
        self.connect()
        if not self.is_connected:
            raise ConnectionAbortedError("the platform spoke before it was asked, or hung up")

    def send(self, data: Any) -> None:
        """Keep head and body together: sent apart they cost both sides a turn more each."""
        self.pieces.append(data)

    def getresponse(self) -> Any:
        """The final answer. `answering` stays, where `sock` goes as the answer says that it is the last."""
        self.answering = self.sock
        return super().getresponse()

    def _finish(self, answer: Any) -> None:
        """Read a short answer to its end, and close the connection after a longer one.

        What it says does not count, but that it is whole does: raises IncompleteRead for half an answer.
        """
        answer.read(LONGEST_ANSWER_BYTES)
        if answer.read(1):
            answer.close()
            self.close()
        elif answer.length:
            raise IncompleteRead(b"", answer.length)


class _TLSConnection(_DeadlineConnection, HTTPSConnection):
    """By TLS."""


class Connections:
    """Connections to one destination, kept for a while: the one used last is used next."""

    def __init__(self, to: Destination) -> None:
        self._kept: deque[Any] = deque()
        weakref.finalize(self, _close_all, self._kept)
        place = to.host.strip("[]"), to.port or (443 if to.scheme == "https" else 80)
        self._new: Callable[[], Any] = partial(_DeadlineConnection, *place)
        if to.scheme == "https":
            # Reading the authorities takes as long as many posts: once for all.
            self._new = partial(_TLSConnection, *place, context=ssl.create_default_context())

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """A connection that no other thread gets until the block ends, open or not."""
        try:
            connection = self._kept.pop()
        except IndexError:
            connection = self._new()
        yield connection
        if connection.sock:
            self._kept.append(connection)

    def close_unused(self) -> None:
        """Close those that have not been used for KEEP_SECONDS."""
        oldest = time.monotonic() - KEEP_SECONDS
        for _ in range(len(self._kept)):
            try:
                connection = self._kept.popleft()
            except IndexError:
                return
            if connection.used_at < oldest:
                connection.close()
            else:
                self._kept.appendleft(connection)
                return


def _close_all(connections: Iterable[Any]) -> None:
    for connection in connections:
        connection.close()


@dataclass(frozen=True)
class Platform:
    """Where events go. Without a signer they go unsigned."""

    destination: Destination
    signer: Webhook | None
    user_agent: str
    connections: Connections

    @classmethod
    def at(cls, *, url: str, secret: str, user_agent: str) -> "Platform":
        """A platform to post to. Raises ValueError for a wrong URL."""
        to = Destination.parse(url)
        return cls(to, Webhook(secret) if secret else None, user_agent, Connections(to))

    def post(self, *, event_id: str, body: bytes, request_id: str = "") -> None:
        """Send one event, under the id of the request that caused it; only a final 2xx is success.

        Redirects are not followed. Raises DeliveryFailed.
        """
        headers = self._headers(event_id, body, request_id)
        try:
            with self.connections.lend() as connection:
                answer = connection.post(self.destination.target, body, headers)
        except (HTTPException, OSError, ValueError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        if answer.status not in SUCCESS:
            raise DeliveryFailed(f"HTTP {answer.status}", retry_after=_wait_asked_for(answer.headers))

    def _headers(self, event_id: str, body: bytes, request_id: str) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE, "User-Agent": self.user_agent}
        if self.destination.authorization:
            headers["Authorization"] = self.destination.authorization
        if request_id:
            headers["X-Request-Id"] = request_id
        if self.signer:
            now = datetime.now(tz=UTC)
            headers["webhook-id"] = event_id
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = self.signer.sign(event_id, now, body.decode())
        return headers


def _wait_asked_for(headers: Mapping[str, list[str]]) -> int:
    """The seconds that Retry-After asks for, bounded; 0 for anything else.

    A date (in any of the three forms of RFC 9110) is compared with the answer's own Date, where there is
    one: the platform's clock may differ from ours.
    """
    asked = next(iter(headers["retry-after"]), "")
    if re.fullmatch(r"[0-9]+", asked, re.ASCII):
        return min(int(asked[:9]), MAX_RETRY_AFTER_SECONDS)
    until = parse_http_date_safe(asked)
    if until is None:
        return 0
    said = parse_http_date_safe(next(iter(headers["date"]), ""))
    now = time.time() if said is None else said
    return max(0, min(math.ceil(until - now), MAX_RETRY_AFTER_SECONDS))
