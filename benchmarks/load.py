"""python -m benchmarks.load PLAN: clients that send the requests of one scenario and time the answers.

A process of its own, so that the harness costs it nothing. The sockets are used bare: a general client would
take more of the machine than some of the endpoints do.
"""

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from benchmarks.traffic import REQUESTS

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """`scenario` against `url` by so many clients; closed loop, or `rate` requests a second in all.

    With `receipts` it is told when each thing that was made had been answered.
    """

    url: str
    scenario: str
    clients: int
    seconds: float
    rate: float = 0.0
    options: dict[str, int] = field(default_factory=dict)
    receipts: bool = False


@dataclass
class Tally:
    """What all clients were answered, the seconds that each answer took, and by id when (UNIX time)."""

    outcomes: "Counter[str]" = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)
    receipts: dict[str, float] = field(default_factory=dict)


class Connection:
    """One kept-alive connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self.socket: socket.socket | None = None
        self.rest = b""

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; the status and body that came back. Raises OSError where the connection breaks."""
        if self.socket is None:
            self.socket = socket.create_connection(self.address, timeout=PATIENCE_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head = self._receive(
            lambda: self.rest.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in self.rest else 0
        ).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = self._receive(lambda: length if len(self.rest) >= length else 0) if length else b""
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), body

    def _receive(self, end: Callable[[], int]) -> bytes:
        """Bytes up to an end, which is 0 until it has arrived."""
        assert self.socket
        while not (found := end()):
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError
            self.rest += piece
        received, self.rest = self.rest[:found], self.rest[found:]
        return received

    def close(self) -> None:
        """Hang up; the next exchange calls again."""
        if self.socket:
            self.socket.close()
        self.socket, self.rest = None, b""


def run(plan: Plan) -> dict[str, object]:
    """Send for `seconds`; outcomes, seconds taken by each, and the processor time it cost us."""
    requests = REQUESTS[plan.scenario](urlsplit(plan.url).netloc, plan.options)
    tally, turns = Tally(), _turns(plan)
    began, processor = time.monotonic(), time.process_time()
    threads = [
        threading.Thread(target=_client, args=(plan, requests, turns, tally)) for _ in range(plan.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "seconds": time.monotonic() - began,
        "outcomes": dict(tally.outcomes),
        "taken": sorted(tally.taken),
        "receipts": tally.receipts,
        "client_cpu": time.process_time() - processor,
    }


def _turns(plan: Plan) -> Iterator[float]:
    """When each request is due: at once, or evenly spread, whether or not earlier ones have been answered."""
    began = time.monotonic()
    end = began + plan.seconds
    for number in count():
        due = began + number / plan.rate if plan.rate else time.monotonic()
        if due >= end:
            return
        yield due


def _client(plan: Plan, requests: Iterator[bytes], turns: Iterator[float], tally: Tally) -> None:
    connection = Connection(plan.url)
    while True:
        with _TURN:
            due, request = next(turns, None), next(requests)
        if due is None:
            connection.close()
            return
        time.sleep(max(0.0, due - time.monotonic()))
        outcome, body = answer(connection, request)
        tally.outcomes[outcome] += 1
        # From when it was due, so that a shop which keeps clients waiting is not asked less for it.
        tally.taken.append(time.monotonic() - due)
        if plan.receipts and outcome == "201":
            tally.receipts[str(json.loads(body)["id"])] = time.time()


_TURN = threading.Lock()


def answer(connection: Connection, request: bytes) -> tuple[str, bytes]:
    """The status, with the problem's code where it is one, and the body; or how the connection broke."""
    try:
        status, body = connection.exchange(request)
    except OSError as error:
        connection.close()
        return type(error).__name__, b""
    with suppress(ValueError, KeyError):
        if status >= 400:
            return f"{status} {json.loads(body)['code']}", body
    return str(status), body


if __name__ == "__main__":
    print(json.dumps(run(Plan(**json.loads(sys.argv[1])))))
