"""The real web server, gunicorn with config/gunicorn.py and echo_app.py inside, asked over raw sockets."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.kit.processes import ROOT, free_port, until

GET = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
HALF_HEADERS = b"POST / HTTP/1.1\r\nHost: shop\r\nX-User"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf"
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
)

THREADS = 32


@dataclass(frozen=True)
class Answer:
    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    @property
    def echo(self) -> dict[str, Any]:
        assert self.status == 200, self
        echo: dict[str, Any] = json.loads(self.body)
        return echo


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    host: str

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=10)

    def ask(self, request: bytes = GET) -> Answer:
        with self.connect() as connection:
            connection.sendall(request)
            return read_answer(connection)

    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.process.pid).children()}


def read_answer(connection: socket.socket) -> Answer:
    """Read one answer; fails if the connection ends before its Content-Length is reached."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
    assert length, head
    while len(body) < int(length[1]):
        body += receive(connection)
    return Answer(head, body)


def receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    assert data, "the server closed the connection before the whole answer"
    return data


@contextmanager
def running_server(**settings: str) -> Iterator[Server]:
    """Two worker processes, unless told otherwise, serving echo_app.py; all are gone afterwards."""
    application = "tests.contract.echo_app:application"
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", application]
    port = free_port()
    env = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2", **settings}
    count = int(env["WEB_CONCURRENCY"])
    process = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    server = Server(process, port, env["HOST"])
    try:
        until(lambda: answers_from(server) == server.workers() and len(server.workers()) == count)
        yield server
    finally:
        kill_group(process.pid)
        process.wait()


def kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def answers_from(server: Server) -> set[int]:
    """Name the processes that answer a few requests at once; none while nobody listens."""
    try:
        with ExitStack() as stack:
            connections = [stack.enter_context(server.connect()) for _ in range(20)]
            for connection in connections:
                connection.sendall(GET)
            return {read_answer(connection).echo["pid"] for connection in connections}
    except ConnectionError:
        return set()


@contextmanager
def slow_requests(server: Server, count: int) -> Iterator[list[socket.socket]]:
    """`count` connections, half of them with half their headers sent, half with half their body."""
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(count)]
        for index, connection in enumerate(connections):
            connection.sendall(HALF_BODY if index % 2 else HALF_HEADERS)
        yield connections


@contextmanager
def request_in_flight(server: Server, release: Path) -> Iterator[socket.socket]:
    """Send a request that the application begins at once and answers once `release` exists."""
    with server.connect() as connection:
        connection.sendall(b"GET /wait?%b HTTP/1.1\r\nHost: shop\r\n\r\n" % bytes(release))
        until(release.with_suffix(".begun").exists)
        yield connection


def is_listening(server: Server) -> bool:
    try:
        server.connect().close()
    except ConnectionError:
        return False
    return True


def headers(*lines: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: shop\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"


def state_of(pid: int) -> str:
    """As psutil names it, that of a zombie where there is no such process."""
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE
