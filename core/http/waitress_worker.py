"""The web server: gunicorn keeps the processes, waitress speaks HTTP (docs/adr/0004-web-server.md)."""

import logging
import os
import re
import resource
import select
import time
from threading import Condition
from typing import Any, ClassVar
from weakref import WeakSet

from gunicorn.workers.base import Worker
from waitress import receiver, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.receiver import ChunkedReceiver
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask
from waitress.utilities import BadRequest, Error

from core.http.proxies import TrustedProxies

MAX_HEADER_BYTES = 16 * 1024
MAX_UPLOAD_BYTES = 32 * 1024 * 1024  # the admin's files; the API takes less
# Bodies are kept on disk as they arrive, from anybody: of one process, so many beyond this at once.
LARGE_BODY_BYTES = 1024 * 1024
MAX_LARGE_BODIES = 16
# The event loop takes chunks apart, one by one. 64 KiB of JSON may come a byte at a time.
MAX_FRAMING_BYTES = 512 * 1024
MAX_CONNECTIONS = 4096  # in one process; the next ones wait in the listen queue
IDLE_SECONDS = 75  # longer than proxies keep a connection (nginx: 60), or they would send into a closing one
LINGER_SECONDS = 2.0
POLL_SECONDS = 0.2  # the longest that SIGTERM waits to be noticed
LIVENESS = "/livez"

# By `$` waitress takes a line of a chunk that ends in LF CRLF, which others end at the LF: two bodies.
for name in ("ONLY_HEXDIG_RE", "CHUNK_EXT_RE"):
    setattr(receiver, name, re.compile(getattr(receiver, name).pattern.removesuffix(b"$") + rb"\Z"))

TRANSFER_ENCODING = re.compile(rb"^transfer-encoding:(.*)", re.IGNORECASE | re.MULTILINE)


class TooManyLargeBodies(Error):
    """503, to be tried again shortly."""

    code = 503
    reason = "Service Unavailable"

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], str]:
        status, headers, body = super().to_response(ident)
        return status, [*headers, ("Retry-After", "5")], body


class Parser(HTTPRequestParser):
    """Waitress's parser; also refuses, with 400, bodies whose end could be read in two ways.

    At most MAX_LARGE_BODIES large ones arrive or are answered at once.
    """

    # A parser lives as long as the file that its body is kept in.
    large: ClassVar[WeakSet["Parser"]] = WeakSet()

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except TransferEncodingNotImplemented as error:
            # Waitress would answer 501.
            raise ParsingError(str(error)) from None
        except ValueError:  # of half an IPv6 address, for one; the loop would hang up without a word
            raise ParsingError("Bad URI") from None
        # Refused: one beside a Content-Length, in HTTP/1.0, empty, or given twice.
        encodings = [each.strip().lower() for each in TRANSFER_ENCODING.findall(header_plus)]
        is_read = self.chunked and "CONTENT_LENGTH" not in self.headers and encodings == [b"chunked"]
        if encodings and not is_read:
            raise ParsingError("Transfer-Encoding is ambiguous here")

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        if self.completed:
            # Waitress would still ask for a body, which makes it forget that all has come, and never answer.
            self.expect_continue = False
        body = self.body_rcv
        if isinstance(body, ChunkedReceiver):
            # Chunk extensions and trailers count as headers do.
            if len(body.control_line + body.trailer) > MAX_HEADER_BYTES:
                self.error = BadRequest("Chunk extension or trailer too long")
                self.completed = True
            # Framing is what a chunked body has beside its content.
            if self.body_bytes_received - len(body) > MAX_FRAMING_BYTES:
                self.error = BadRequest("Chunks too small")
                self.completed = True
        if self.body_bytes_received > LARGE_BODY_BYTES and self not in self.large:
            if len(self.large) < MAX_LARGE_BODIES:
                self.large.add(self)
            else:
                self.error = TooManyLargeBodies("Too many large bodies at once")
                self.completed = True
        return consumed


class Task(WSGITask):
    """One request; once the process is stopping, its answer says `Connection: close`."""

    def build_response_header(self) -> bytes:
        if Channel.stopping:
            self.set_close_on_finish()
        head = super().build_response_header()
        if self.is_head():
            self.chunked_response = False  # its last chunk would be a body
        return head

    def write(self, data: bytes) -> None:
        if self.is_head():
            # The client would read a body as the next answer.
            super().write(b"")
        elif self.wrote_header or not self.has_body or len(data) != self.content_length:
            super().write(data)
        else:
            # Head and body go out as one: two packets would wake the client twice.
            head = self.build_response_header()
            self.wrote_header = True
            self.content_bytes_written = len(data)
            self.channel.write_soon(head + data)

    def is_head(self) -> bool:
        request: Any = self.request
        return bool(request.command == "HEAD")


class Channel(HTTPChannel):
    """One connection."""

    parser_class = Parser
    task_class = Task
    stopping: ClassVar[bool] = False

    def hang_up_if_stalled(self) -> None:
        # Held while a thread adds to the answer and sends what the kernel takes.
        if not self.outbuf_lock.acquire(blocking=False):
            return
        try:
            # A long answer that nobody reads would keep its file and, beyond 16 MiB, a thread for ever.
            if self.total_outbufs_len and self.last_activity < time.time() - IDLE_SECONDS:
                self.handle_close()
        finally:
            self.outbuf_lock.release()

    def is_answering(self) -> bool:
        # `requests` have come in whole; the buffers hold what the kernel has not taken of their answers.
        return bool(self.requests or self.total_outbufs_len)


class NewestFirst(Condition):
    """Wakes the thread that began to wait last.

    Its memory and its database session are still in the processor's caches. By turns, a few clients would
    go through every thread of the process and as many sessions.
    """

    def notify(self, n: int = 1) -> None:
        self._waiters.rotate(n)  # type: ignore[attr-defined]
        super().notify(n)


class Threads(ThreadedTaskDispatcher):
    """`count` threads that run the application."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.queue_cv = NewestFirst(self.lock)
        self.set_thread_count(count)


class ReservedThreadDispatcher:
    """Hands whole requests to the application's threads, and those for LIVENESS to a thread kept for them.

    While the database hangs, every other thread may wait for it; this process lives, and says so.
    """

    def __init__(self, threads: ThreadedTaskDispatcher) -> None:
        self.threads = threads
        self.reserved = Threads(1)

    def add_task(self, channel: Any) -> None:
        path = getattr(channel.requests[0], "path", "")  # none where the parser refused the request
        (self.reserved if path == LIVENESS else self.threads).add_task(channel)


class WaitressWorker(Worker):
    """A gunicorn worker: one event loop reads and writes every socket, `threads` threads run the application.

    A slow client occupies a socket and, beyond 16 MiB of an answer, a thread; who has read nothing of one for
    IDLE_SECONDS is hung up on. On SIGTERM every request that has come in whole is answered, within
    `graceful_timeout`; what is still arriving then has LINGER_SECONDS to do so.
    The heartbeat shows that the event loop lives, not that the application's threads do.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.map: dict[int, Any] = {}  # what the event loop watches, by file descriptor
        self.listeners: list[BaseWSGIServer] = []
        self.looked_at = 0.0

    def run(self) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # warns for each request that has to wait
        wsgi: Any = self.wsgi
        application: Any = TrustedProxies(wsgi, trusted=self.cfg.forwarded_allow_ips)
        threads = Threads(self.cfg.threads)
        dispatcher: Any = ReservedThreadDispatcher(threads)
        create_server(application, map=self.map, _dispatcher=dispatcher, **self.adjustments())
        self.listeners = [each for each in self.map.values() if isinstance(each, BaseWSGIServer)]
        for listener in self.listeners:
            listener.channel_class = Channel
        # A worker ends, too, when the arbiter or a listening socket is gone.
        while self.alive and self.ppid == os.getppid() and all(each.accepting for each in self.listeners):
            self.poll_once()
        self.drain()
        threads.shutdown(timeout=1)
        wasyncore.close_all(self.map, ignore_all=True)

    def adjustments(self) -> dict[str, Any]:
        wrapped: list[Any] = self.sockets
        return {
            "sockets": [each.sock for each in wrapped],
            "backlog": self.cfg.backlog,
            "connection_limit": min(MAX_CONNECTIONS, open_files_limit() // 2),
            "channel_timeout": IDLE_SECONDS,
            "inbuf_overflow": 64 * 1024,
            "max_request_header_size": MAX_HEADER_BYTES,
            "max_request_body_size": MAX_UPLOAD_BYTES,
            "log_socket_errors": False,
            "expose_tracebacks": False,
            "ident": None,
            "clear_untrusted_proxy_headers": False,  # TrustedProxies does, which knows lists and networks
        }

    def poll_once(self) -> None:
        # The arbiter learns that this process lives.
        self.notify()
        wasyncore.poll2(POLL_SECONDS, self.map)
        if time.monotonic() - self.looked_at > 1:
            self.looked_at = time.monotonic()
            for channel in self.channels():
                channel.hang_up_if_stalled()

    def drain(self) -> None:
        Channel.stopping = True
        for listener in self.listeners:
            stop_accepting(listener)
        begun = time.monotonic()
        while (age := time.monotonic() - begun) < self.cfg.graceful_timeout and self.has_work(age):
            self.poll_once()

    def has_work(self, age: float) -> bool:
        return any(age < LINGER_SECONDS or each.is_answering() for each in self.channels())

    def channels(self) -> list[Channel]:
        return [each for each in self.map.values() if isinstance(each, Channel)]


def stop_accepting(listener: BaseWSGIServer) -> None:
    """Take the connections the kernel has already accepted, then close this process's listening socket."""
    listening: Any = listener.socket
    waiting = select.poll()
    waiting.register(listening, select.POLLIN)
    # The kernel resets what still waits when the last process closes the socket: a client that connects
    # between the last look and that close is cut.
    for _ in range(listener.adj.backlog):
        if not waiting.poll(0):
            break
        listener.handle_accept()
    wasyncore.dispatcher.close(listener)  # its own close() would also end what threads wake the loop by


def open_files_limit() -> int:
    """Raise this process's limit of open files as far as it may and needs to; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * MAX_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return max(soft, wanted)
