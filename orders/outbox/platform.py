"""The data platform over HTTP: posting an event and judging the answer."""

import math
import re
import socket
import ssl
import time
import weakref
from collections import deque
from datetime import UTC, datetime

import h11
from django.utils.http import parse_http_date_safe
from standardwebhooks import Webhook

from core.traces import post_span, traceparent
from orders.outbox.connecting import Resolver, connect, seconds_left
from orders.outbox.destination import Destination

CONTENT_TYPE = "application/cloudevents+json"
SUCCESS = range(200, 300)
# An answer that has no body, whatever its headers say.
BODILESS = {204, 304}
FRAMING = {b"content-length", b"transfer-encoding"}
LONGEST_REASON = 300
MAX_RETRY_AFTER_SECONDS = 6 * 3600
READ_SECONDS = 5
# So soon no platform, proxy or firewall has forgotten a connection.
KEEP_SECONDS = 5
# A platform that sends a byte now and then never runs into a time-out between two of them. Less than
# `delivery.LEASE`, after which another process sends the event and this one's failure is not recorded.
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


class Platform:
    """The destination of events. Without a secret they are unsigned."""

    def __init__(self, *, url: str, secret: str, user_agent: str) -> None:
        """Raises ValueError for a wrong URL."""
        self.destination = Destination.parse(url)
        self.signer = Webhook(secret) if secret else None
        self.user_agent = user_agent
        # Reading the authorities takes as long as many posts: once for all.
        self.tls = ssl.create_default_context() if self.destination.scheme == "https" else None
        self.host = self.destination.host.strip("[]")
        self.resolver = Resolver(self.host, self.destination.port or (443 if self.tls else 80))
        self.idle: deque[_Connection] = deque()

    def post(self, *, event_id: str, body: bytes, request_id: str = "", caused_by: str = "") -> None:
        """Send one event, under id and `traceparent` of the request that caused it; a final 2xx is success.

        Redirects are not followed. Raises DeliveryFailed, also where the platform speaks first, or says only
        a part.
        """
        headers = self._headers(event_id, body, request_id)
        with post_span(host=self.destination.host, event_id=event_id, caused_by=caused_by):
            if trace := traceparent() or caused_by:
                headers.append(("traceparent", trace))
            self._post(headers, body)

    def _post(self, headers: list[tuple[str, str]], body: bytes) -> None:
        ends_at = time.monotonic() + WHOLE_POST_SECONDS
        request = h11.Request(method="POST", target=self.destination.target, headers=headers)
        try:
            connection = self._idle_connection() or self._new_connection(ends_at)
            answer = connection.post(request, body, ends_at)
        except (h11.ProtocolError, OSError) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from error
        if connection.is_reusable:
            self.idle.append(connection)
        if answer.status_code not in SUCCESS:
            said = {name.decode(): value.decode("latin-1") for name, value in reversed(answer.headers)}
            raise DeliveryFailed(f"HTTP {answer.status_code}", retry_after=_wait_asked_for(said))

    def _idle_connection(self) -> "_Connection | None":
        # The oldest first, so that all that are too old get closed.
        while True:
            try:
                connection = self.idle.popleft()
            except IndexError:
                return None
            if connection.used_at > time.monotonic() - KEEP_SECONDS and connection.is_silent():
                return connection
            connection.socket.close()

    def _new_connection(self, ends_at: float) -> "_Connection":
        to_platform = connect(self.resolver.addresses(), ends_at)
        if self.tls:
            to_platform = self.tls.wrap_socket(to_platform, server_hostname=self.host)
        return _Connection(to_platform)

    def _headers(self, event_id: str, body: bytes, request_id: str) -> list[tuple[str, str]]:
        host, port = self.destination.host, self.destination.port
        headers = {
            "Host": host if port is None else f"{host}:{port}",
            "Content-Type": CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "User-Agent": self.user_agent,
        }
        if self.destination.authorization:
            headers["Authorization"] = self.destination.authorization
        if request_id:
            headers["X-Request-Id"] = request_id
        if self.signer:
            now = datetime.now(tz=UTC)
            headers["webhook-id"] = event_id
            headers["webhook-timestamp"] = str(int(now.timestamp()))
            headers["webhook-signature"] = self.signer.sign(event_id, now, body.decode())
        return list(headers.items())


class _Connection:
    """A connection to the platform, which carries one post at a time."""

    def __init__(self, to_platform: socket.socket) -> None:
        """Raises OSError where the platform speaks before it is asked."""
        self.socket = to_platform
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        weakref.finalize(self, self.socket.close)
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_ANSWER_BYTES)
        self.used_at = 0.0
        if not self.is_silent():
            self.socket.close()
            raise ConnectionAbortedError("the platform spoke before it was asked, or hung up")

    def is_silent(self) -> bool:
        """Whether it is open and nothing waits to be read, which can be no answer to what is sent next."""
        self.socket.settimeout(0)
        try:
            self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):  # what comes by TLS may be no more than TLS's own
            return True
        except OSError:
            return False
        return False

    def post(self, request: h11.Request, body: bytes, ends_at: float) -> h11.Response:
        """Send; the final answer, read to its end. The connection is closed unless it can be used again.

        What the answer's body says does not count, but that it is whole does: raises h11.ProtocolError for
        half an answer, OSError for none in time.
        """
        self.is_reusable = False
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        try:
            # In one piece: head and body sent apart cost both sides a turn more each.
            message = b"".join(self.http.send(part) or b"" for part in parts)
            self.socket.settimeout(min(READ_SECONDS, seconds_left(ends_at)))
            self.socket.sendall(message)
            answer = self._read_answer(ends_at)
            if self._can_be_used_again(answer):
                self.http.start_next_cycle()
                self.used_at = time.monotonic()
                self.is_reusable = True
        finally:
            if not self.is_reusable:
                self.socket.close()
        return answer

    def _read_answer(self, ends_at: float) -> h11.Response:
        answer: h11.Response | None = None
        received = 0
        while not isinstance(event := self.http.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                answer = event
            elif event is h11.NEED_DATA:
                if received == LONGEST_ANSWER_BYTES:
                    break
                self.socket.settimeout(min(READ_SECONDS, seconds_left(ends_at)))
                data = self.socket.recv(LONGEST_ANSWER_BYTES - received)
                received += len(data)
                self.http.receive_data(data)
        if answer is None:
            raise ConnectionAbortedError("the answer's headers are too long")
        return answer

    def _can_be_used_again(self, answer: h11.Response) -> bool:
        """Whether all that came over it was read, and every reader of HTTP sees the same end of it.

        And it was a success: who refuses may say more, late, which would be the next event's answer.
        """
        framing = [value for name, value in answer.headers if name in FRAMING]
        # Who sends a 204 with a length may let a body follow all the same, which would be the next answer.
        is_clear = framing in ([], [b"0"]) if answer.status_code in BODILESS else len(framing) == 1
        is_over = self.http.our_state is self.http.their_state is h11.DONE
        is_success = answer.status_code in SUCCESS
        return is_success and is_clear and is_over and not self.http.trailing_data[0]


def _wait_asked_for(headers: dict[str, str]) -> int:
    """The seconds that Retry-After asks for, bounded; 0 for anything else.

    A date (in any of the three forms of RFC 9110) is compared with the answer's own Date, where there is
    one: the platform's clock may differ from ours.
    """
    asked = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]+", asked, re.ASCII):
        return min(int(asked.lstrip("0")[:9] or 0), MAX_RETRY_AFTER_SECONDS)
    until = parse_http_date_safe(asked)
    if until is None:
        return 0
    said = parse_http_date_safe(headers.get("date", ""))
    now = time.time() if said is None else said
    return max(0, min(math.ceil(until - now), MAX_RETRY_AFTER_SECONDS))
