"""Data platforms for tests: the bundled receiver as a process, and one that writes down every attempt."""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, StreamRequestHandler, TCPServer, ThreadingTCPServer
from typing import Any

import urllib3

from orders.models import OrderEvent
from orders.outbox.platform import DeliveryFailed, Platform
from tests.kit.processes import environment, free_port, process, until, worker

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


@dataclass(frozen=True)
class Receiver:
    """The bundled receiver, running, which fails when told to."""

    url: str
    file: Path

    def events_of(self, user: Any) -> list[Any]:
        """What it took of one user's orders, once each."""
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [event for event in map(json.loads, lines) if event["data"]["user_id"] == user.pk]

    def fail(self, **faults: Any) -> None:
        """Have it do this to events from now on; without any, take them again."""
        answer = urllib3.request("PUT", f"{self.url}/faults", json=faults, retries=False)
        assert answer.status < 300, answer.data


@contextmanager
def receiver(folder: Path, *, bundled: bool = False) -> Iterator[Receiver]:
    """A receiver with an empty file, taking only what is signed with SECRET; as `bundled`, it cannot fail."""
    port, file = free_port(), folder / "events.jsonl"
    command = ["tests.kit.faulty_receiver", str(port), str(file)]
    if bundled:
        command = ["manage", "receive_events", "--port", str(port), "--file", str(file)]
    with process(*command, env=environment(DATA_PLATFORM_SECRET=SECRET), log=folder / "receiver.log"):
        running = Receiver(f"http://127.0.0.1:{port}", file)
        until(lambda: _listens(running.url))
        yield running


def _listens(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/events", retries=False, timeout=2).status == 403
    except urllib3.exceptions.HTTPError:
        return False


def accept(_body: bytes) -> tuple[int, dict[str, str]]:
    """Answer every request with 204."""
    return 204, {}


@dataclass
class Recorder:
    """A platform that writes down every attempt, and answers what `answers` says for a body."""

    answers: Callable[[bytes], tuple[int, dict[str, str]]]
    url: str = ""
    attempts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def of_order(self, order_id: int) -> list[tuple[dict[str, str], bytes]]:
        """The attempts to send one order's event."""
        return [each for each in self.attempts if json.loads(each[1])["subject"] == str(order_id)]


@contextmanager
def serving(server: TCPServer) -> Iterator[str]:
    """Have a server answer until the block ends, however it ends; the URL for events there."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/events"
        finally:
            server.shutdown()  # a thread left to serve a closed socket would spin


@contextmanager
def dripping(*, seconds: float = 0.5) -> Iterator[str]:
    """A platform that answers a byte now and then, and never to the end; its URL."""
    closed = threading.Event()

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                while not closed.wait(seconds):
                    self.request.send(b"H")

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as url:
        try:
            yield url
        finally:
            closed.set()


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A platform that answers everything with the same bytes and hangs up; its URL."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                self.request.sendall(raw)

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


Said = bytes | float


@dataclass
class Talker:
    """A platform that says to each request, in order, what `says` holds: bytes, or seconds to be silent.

    It keeps its connections. `heard` has for each request the number of its connection, and its bytes.
    """

    says: list[list[Said]]
    greeting: bytes = b""
    url: str = ""
    heard: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0

    def answer(self, number: int, request: bytes) -> list[Said]:
        """What to say to this request; the last again where there is no more."""
        self.heard.append((number, request))
        return self.says[min(len(self.heard), len(self.says)) - 1]


@contextmanager
def talking(
    *says: list[Said],
    greeting: bytes = b"",
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    kind: type[Talker] = Talker,
) -> Iterator[Any]:
    """A Talker, listening."""
    talker = kind(list(says), greeting)

    class Handler(StreamRequestHandler):
        def setup(self) -> None:
            if tls:
                self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def handle(self) -> None:
            talker.connections += 1
            number = talker.connections
            with suppress(OSError):
                if talker.greeting:
                    self.request.sendall(talker.greeting)
                while request := _read_request(self.rfile):
                    for part in talker.answer(number, request):
                        time.sleep(part) if isinstance(part, float) else self.request.sendall(part)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, *_: Any) -> None:
            pass

    with serving(Server((host, 0), Handler)) as url:
        place = url.partition("://")[2].replace("127.0.0.1", f"[{host}]" if ":" in host else host)
        talker.url = f"{'https' if tls else 'http'}://{place}"
        yield talker


def _read_request(stream: Any) -> bytes:
    """A request with its body, or nothing at the end."""
    head = b""
    for line in stream:
        head += line
        if line == b"\r\n":
            break
    length = re.search(rb"(?im)^content-length: *([0-9]+)", head)
    return head + stream.read(int(length[1])) if length else b""


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A Recorder, listening; it accepts everything until told otherwise."""
    recording = Recorder(accept)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            recording.attempts.append((dict(self.headers), body))
            status, headers = recording.answers(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as recording.url:
        yield recording


def delivering_to(url: str, logs: Path, *, beat: bool = True) -> AbstractContextManager[Any]:
    """A worker that sends to the URL."""
    env = {"DATA_PLATFORM_URL": url, "DATA_PLATFORM_SECRET": SECRET}
    return worker(log=logs / "worker.log", beat=beat, **env)


def is_delivered(order: Any) -> bool:
    """Whether the event is marked delivered."""
    return OrderEvent.objects.filter(order_id=order["id"], state="delivered").exists()


def outcome(platform: Platform) -> str:
    """What became of one post: taken, or why not."""
    try:
        platform.post(event_id="e", body=b"{}")
    except DeliveryFailed as failure:
        return str(failure)
    return "taken"
