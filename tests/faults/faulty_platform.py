"""A data platform that takes every event but those of some products, for which it has faults."""

import json
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.kit.platforms import serving

# Makes the kernel send a reset instead of an orderly end.
NO_LINGER = struct.pack("ii", 1, 0)

Fault = Callable[[socket.socket, threading.Event], None]


def answering(status: str, *headers: str) -> Fault:
    """A whole answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close", "\r\n"])
    return lambda connection, _closed: connection.sendall(head.encode())


def saying(text: bytes) -> Fault:
    """Part of an answer, and then the end."""
    return lambda connection, _closed: connection.sendall(text)


def hanging(_connection: socket.socket, closed: threading.Event) -> None:
    """No answer."""
    closed.wait()


def dripping(connection: socket.socket, closed: threading.Event) -> None:
    """A byte now and then, and never all of it."""
    while not closed.wait(0.5):
        connection.sendall(b"H")


def resetting(connection: socket.socket, _closed: threading.Event) -> None:
    """A reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)


TAKING = answering("204 No Content")


class Server(ThreadingTCPServer):
    """As patient with clients as the shop's worker needs."""

    daemon_threads = True
    request_queue_size = 128


@dataclass
class FaultyPlatform:
    """What it took (`attempts`), when each product's events came (`tried`), and what it does to them."""

    url: str = ""
    attempts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    tried: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[int, Fault] = field(default_factory=dict)
    requested: set[bytes] = field(default_factory=set)

    def answer_for(self, headers: dict[str, str], body: bytes) -> Fault:
        """Look at an event, and say what to do."""
        product_id = json.loads(body)["data"]["items"][0]["product_id"]
        self.tried[product_id].append(time.monotonic())
        if product_id in self.faults:
            return self.faults[product_id]
        self.attempts.append((headers, body))
        return TAKING


@contextmanager
def faulty_platform() -> Iterator[FaultyPlatform]:
    """One that listens, and takes everything until told otherwise."""
    platform, closed = FaultyPlatform(), threading.Event()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                platform.requested.add(self.rfile.readline().strip())
                headers = dict(message_from_bytes(b"".join(iter(self.rfile.readline, b"\r\n"))))
                body = self.rfile.read(int(headers["Content-Length"]))
                platform.answer_for(headers, body)(self.connection, closed)

    with serving(Server(("127.0.0.1", 0), Handler)) as platform.url:
        try:
            yield platform
        finally:
            closed.set()
