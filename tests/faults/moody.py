"""A data platform that takes every event but those of some products, to which it does what it is told."""

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

Mood = Callable[[socket.socket, threading.Event], None]


def answering(status: str, *headers: str) -> Mood:
    """A whole answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close", "\r\n"])
    return lambda connection, _closed: connection.sendall(head.encode())


def saying(text: bytes) -> Mood:
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
class Moody:
    """What it took (`attempts`), when each product's events came (`tried`), and its mood towards them."""

    url: str = ""
    attempts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    tried: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    moods: dict[int, Mood] = field(default_factory=dict)
    requested: set[bytes] = field(default_factory=set)

    def mood_for(self, headers: dict[str, str], body: bytes) -> Mood:
        """Look at an event, and say what to do."""
        product_id = json.loads(body)["data"]["items"][0]["product_id"]
        self.tried[product_id].append(time.monotonic())
        if product_id in self.moods:
            return self.moods[product_id]
        self.attempts.append((headers, body))
        return TAKING


@contextmanager
def moody_platform() -> Iterator[Moody]:
    """One that listens, and takes everything until told otherwise."""
    moody, closed = Moody(), threading.Event()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                moody.requested.add(self.rfile.readline().strip())
                headers = dict(message_from_bytes(b"".join(iter(self.rfile.readline, b"\r\n"))))
                body = self.rfile.read(int(headers["Content-Length"]))
                moody.mood_for(headers, body)(self.connection, closed)

    with serving(Server(("127.0.0.1", 0), Handler)) as moody.url:
        try:
            yield moody
        finally:
            closed.set()
