"""Connections to the data platform: each answer is final, whole, and of the request it came after."""

import re
import select
import socket
import ssl
import threading
import time
import weakref
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
    RemoteDisconnected,
)
from typing import Any

from orders.destination import Destination

CONNECT_SECONDS = 2
READ_SECONDS = 5
# So soon no platform, proxy or firewall has forgotten a connection.
KEEP_SECONDS = 5
# A platform that sends a byte now and then never runs into a time-out between two of them.
WHOLE_POST_SECONDS = 10
INTERIM = range(100, 200)
SWITCHING_PROTOCOLS = 101
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
# Any other line says nothing to us, and something else to others perhaps.
FIELD = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
HTTP_1_0 = 10  # as http.client numbers them
# http.client takes a sign, `0x` and `_`, too, and reads all that comes as a chunk of the size -1.
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
LONGEST_CHUNK_LINE_BYTES = 4096
# An answer that has no body, whatever its headers say.
BODILESS = {204, 304}
SHOWN_BYTES = 100
LONGEST_ANSWER_BYTES = 64 * 1024
# Of the final answer and all interim ones before it.
LONGEST_HEADS_BYTES = 64 * 1024


@dataclass
class Posts:
    """The posts of all threads that are under way: since when (monotonic), and over which connection."""

    under_way: dict[int, tuple[float, "_Watched"]] = field(default_factory=dict)

    def begin(self, connection: "_Watched") -> None:
        """This thread's post starts."""
        self.under_way[threading.get_ident()] = time.monotonic(), connection

    def end(self) -> None:
        """This thread's post is over."""
        self.under_way.pop(threading.get_ident(), None)

    def cut_overdue(self) -> None:
        """End the connection of every post that takes too long; its thread then sees an error."""
        oldest = time.monotonic() - WHOLE_POST_SECONDS
        for began, connection in list(self.under_way.values()):
            wire = connection.sock or connection.answering
            if began < oldest and wire:
                with suppress(OSError):
                    # Not TLS's own, after which its reader would take what is encrypted for the answer.
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)


POSTS = Posts()


class _FinalAnswer(HTTPResponse):
    """The final answer to a request. Its connection is kept only if all was read that ever came over it."""

    fp: Any
    headers: Any

    def __init__(self, *args: Any, connection: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection = connection
        self.left = LONGEST_HEADS_BYTES

    def begin(self) -> None:
        """Read on to the final head. Raises ConnectionError for one that is cut off, or heads without end.

        http.client passes over 100 alone, takes a head as whole that the connection's end has cut off, and
        reads headers by the parser of mails, which costs as much as the rest of a post.
        """
        self._read_head()
        while self.status in INTERIM and self.status != SWITCHING_PROTOCOLS:
            self._read_head()
        codings, lengths = self.headers["transfer-encoding"], self.headers["content-length"]
        if not all(map(LENGTH.fullmatch, lengths)):
            raise HTTPException(f"no length: {lengths[:2]!r}"[:SHOWN_BYTES])
        bodiless = self.status in BODILESS or self.status == SWITCHING_PROTOCOLS
        self.chunked = not bodiless and [each.lower() for each in codings[:1]] == ["chunked"]
        self.chunk_left = None
        self.length = 0 if bodiless else int(lengths[0]) if lengths and not self.chunked else None
        said_last = self.version == HTTP_1_0 or any(
            "close" in each.lower() for each in self.headers["connection"]
        )
        self.will_close = said_last or not self._says_where_it_ends(codings, lengths)

    def _read_head(self) -> None:
        if not (line := self._read_line()):
            raise RemoteDisconnected("the platform hung up without an answer")
        if not (found := STATUS_LINE.fullmatch(line)):
            raise BadStatusLine(repr(line[:SHOWN_BYTES]))
        self.version, self.status = HTTP_1_0 + int(found[1]), int(found[2])
        self.headers = defaultdict(list)
        self.is_plain = True
        while (line := self._read_line()) not in {b"\r\n", b"\n"}:
            if not line.endswith(b"\n"):
                raise ConnectionAbortedError("the answer broke off in its headers")
            if field := FIELD.fullmatch(line):
                self.headers[field[1].decode().lower()].append(field[2].decode("latin-1"))
            else:
                self.is_plain = False

    def _read_line(self) -> bytes:
        line: bytes = self.fp.readline(self.left + 1)
        self.left -= len(line)
        if self.left < 0:
            raise ConnectionAbortedError("the answer's headers are too long")
        return line

    def _says_where_it_ends(self, codings: list[str], lengths: list[str]) -> bool:
        """Whether every reader of HTTP sees the same end; after 101 it is no HTTP any more."""
        if self.status in BODILESS and (codings or any(each.strip("0") for each in lengths)):
            return False  # its sender may let a body follow all the same, which would be the next answer
        usual = len(codings) + len(lengths) <= 1 and self.chunked == bool(codings)
        known = self.chunked or self.length is not None
        return usual and known and self.is_plain and self.status != SWITCHING_PROTOCOLS

    def _read_next_chunk_size(self) -> int:
        """Called by http.client. Raises ValueError for what is no size."""
        if not (found := CHUNK_SIZE.fullmatch(self.fp.readline(LONGEST_CHUNK_LINE_BYTES))):
            raise ValueError("no chunk size")
        return int(found[1], 16)

    def _close_conn(self) -> None:
        """Called at the end of the body. http.client would throw away what it has read beyond that."""
        beyond = self.connection.sock and self._read_beyond()
        super()._close_conn()  # type: ignore[misc]
        if beyond:
            self.connection.close()

    def _read_beyond(self) -> bool:
        with _without_waiting(self.connection.sock):
            try:
                return bool(self.fp.peek(1))
            except ssl.SSLWantReadError:
                return False
            except OSError:
                return True


@contextmanager
def _without_waiting(sock: Any) -> Iterator[None]:
    """Inside the block, reading raises or sees nothing where there is nothing to read yet."""
    patience = sock.gettimeout()
    sock.settimeout(0)
    try:
        yield
    finally:
        sock.settimeout(patience)


class _Watched:
    """A connection whose posts can be cut from another thread, and whose requests leave in one piece."""

    sock: Any
    answering: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, timeout=CONNECT_SECONDS, **kwargs)
        self.used_at = 0.0
        self.response_class = partial(_FinalAnswer, connection=self)

    @property
    def is_connected(self) -> bool:
        """Whether it is open and nothing waits to be read, which can be no answer to what is sent next."""
        if self.sock is None:
            return False
        if not isinstance(self.sock, ssl.SSLSocket):
            ready = select.poll()
            ready.register(self.sock, select.POLLIN)
            return not ready.poll(0)
        with _without_waiting(self.sock):  # what comes by TLS may be no more than TLS's own
            try:
                self.sock.recv(1)
            except ssl.SSLWantReadError:
                return True
            except OSError:
                return False
        return False

    def connect(self) -> None:
        """As http.client does, then wait longer for answers."""
        super().connect()  # type: ignore[misc]
        self.sock.settimeout(READ_SECONDS)

    def post(self, target: str, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
        """Send, under watch; the whole answer. A connection that may be used again is open afterwards.

        Raises OSError, HTTPException or ValueError, also where the platform speaks first, or takes or says
        only a part.
        """
        POSTS.begin(self)
        try:
            if not self.is_connected:
                self._connect_anew()
            self.pieces: list[bytes] = []
            self.request("POST", target, body, headers)  # type: ignore[attr-defined]
            self.sock.sendall(b"".join(self.pieces))
            answer: HTTPResponse = self.getresponse()
            self._finish(answer)
        except BaseException:
            self.close()  # type: ignore[attr-defined]
            raise
        finally:
            POSTS.end()
        self.used_at = time.monotonic()
        return answer

    def _connect_anew(self) -> None:
        self.close()  # type: ignore[attr-defined]
        self.answering = None
        self.connect()
        if not self.is_connected:
            raise ConnectionAbortedError("the platform spoke before it was asked, or hung up")

    def send(self, data: bytes) -> None:
        """Keep head and body together: sent apart they cost both sides a turn more each."""
        self.pieces.append(data)

    def getresponse(self) -> Any:
        """The final answer. `answering` stays, where `sock` goes as the answer says that it is the last."""
        self.answering = self.sock
        return super().getresponse()  # type: ignore[misc]

    def _finish(self, answer: Any) -> None:
        """Read a short answer to its end, and close the connection after a longer one.

        What it says does not count, but that it is whole does: raises IncompleteRead for half an answer.
        """
        answer.read(LONGEST_ANSWER_BYTES)
        if answer.read(1):
            answer.close()
            self.close()  # type: ignore[attr-defined]
        elif answer.length:
            raise IncompleteRead(b"", answer.length)


class _Plain(_Watched, HTTPConnection):
    """Unencrypted."""


class _Encrypted(_Watched, HTTPSConnection):
    """By TLS."""


class Connections:
    """Connections to one destination, kept for a while: the one used last is used next."""

    def __init__(self, to: Destination) -> None:
        self._kept: deque[Any] = deque()
        weakref.finalize(self, _close_all, self._kept)
        place = to.host.strip("[]"), to.port or (443 if to.scheme == "https" else 80)
        # Reading the authorities takes as long as many posts: once for all.
        if to.scheme == "https":
            self._new = partial(_Encrypted, *place, context=ssl.create_default_context())
        else:
            self._new = partial(_Plain, *place)

    @contextmanager
    def lend(self) -> Iterator[Any]:
        """A connection that is nobody else's until the block ends, open or not."""
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
