"""An answer of the data platform: final, whole, and with nothing beyond its end."""

import re
import ssl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine, HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any

INTERIM = range(100, 200)
SWITCHING_PROTOCOLS = 101
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
# Any other line is ignored here, and may be read otherwise by a proxy.
FIELD = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
HTTP_1_0 = 10  # as http.client numbers them
# http.client takes a sign, `0x` and `_`, too, and reads all that comes as a chunk of the size -1.
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
LONGEST_CHUNK_LINE_BYTES = 4096
# An answer that has no body, whatever its headers say.
BODILESS = {204, 304}
SHOWN_BYTES = 100
# Of the final answer and all interim ones before it.
LONGEST_HEADS_BYTES = 64 * 1024


class FinalAnswer(HTTPResponse):
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
        is_last = any("close" in each.lower() for each in self.headers["connection"])
        goes_on = self.version != HTTP_1_0 and self._says_where_it_ends(codings, lengths)
        self.will_close = is_last or not goes_on

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
        with without_waiting(self.connection.sock):
            try:
                return bool(self.fp.peek(1))
            except ssl.SSLWantReadError:
                return False
            except OSError:
                return True


@contextmanager
def without_waiting(sock: Any) -> Iterator[None]:
    """Inside the block, reading raises or sees nothing where there is nothing to read yet."""
    timeout = sock.gettimeout()
    sock.settimeout(0)
    try:
        yield
    finally:
        sock.settimeout(timeout)
