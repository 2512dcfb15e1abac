"""How the real web server stops: what it was sent is answered."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Barrier

import psutil

from core.http.waitress_worker import LINGER_SECONDS
from tests.kit.processes import until
from tests.kit.web_server import (
    GET,
    Answer,
    Server,
    is_listening,
    read_answer,
    request_in_flight,
    slow_requests,
    state_of,
)


def test_sigterm_lets_every_request_in_flight_finish(own_server: Server, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with request_in_flight(own_server, release) as one, request_in_flight(own_server, release) as two:
        own_server.process.terminate()
        until(lambda: not is_listening(own_server))
        release.touch()
        assert [b"Connection: close" in read_answer(each).head for each in (one, two)] == [True, True]
    assert own_server.process.wait(timeout=10) == 0


def test_sigterm_waits_until_a_large_answer_is_fully_written(own_server: Server) -> None:
    with own_server.connect() as connection:
        connection.sendall(GET.replace(b"/ ", b"/big "))
        connection.recv(1)
        own_server.process.terminate()
        time.sleep(LINGER_SECONDS + 0.5)  # an answer outlasts the time given to idle connections
        rest = b"".join(iter(lambda: connection.recv(65536), b""))
    assert len(rest.partition(b"\r\n\r\n")[2]) == 8 * 1024 * 1024
    assert own_server.process.wait(timeout=10) == 0


def test_sigterm_stops_soon_while_half_sent_requests_are_open(own_server: Server, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with slow_requests(own_server, 200), request_in_flight(own_server, release) as connection:
        own_server.process.terminate()
        release.touch()
        assert read_answer(connection).status == 200
        assert own_server.process.wait(timeout=6) == 0


def test_stop_fails_no_request_of_busy_clients(own_server: Server) -> None:
    """Kept connections are told to close with their last answer, and never cut under a request."""
    answers: list[Answer] = []
    all_connected = Barrier(16 + 1)
    with ThreadPoolExecutor(16) as pool:
        clients = [
            pool.submit(ask_until_told_to_close, own_server, answers, all_connected) for _ in range(16)
        ]
        all_connected.wait(10)
        until(lambda: len(answers) > 500)
        own_server.process.terminate()
        for client in clients:
            client.result()
    assert all(answer.status == 200 for answer in answers)
    assert own_server.process.wait(timeout=10) == 0


def test_connections_not_yet_accepted_when_the_server_stops_are_answered(own_server: Server) -> None:
    workers = own_server.workers()
    with ExitStack() as stack, stopped(workers):
        waiting = [stack.enter_context(own_server.connect()) for _ in range(50)]
        for connection in waiting:
            connection.sendall(GET)
        for pid in (own_server.process.pid, *workers):
            os.kill(pid, signal.SIGTERM)
        resume(workers)
        assert all(read_answer(connection).status == 200 for connection in waiting)
    assert own_server.process.wait(timeout=10) == 0


@contextmanager
def stopped(pids: set[int]) -> Iterator[None]:
    """Hold the processes still, so that what connects waits in the kernel's queue."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: all(state_of(pid) == psutil.STATUS_STOPPED for pid in pids))
    try:
        yield
    finally:
        resume(pids)


def resume(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def ask_until_told_to_close(server: Server, answers: list[Answer], all_connected: Barrier) -> None:
    told = False
    with server.connect() as connection:
        all_connected.wait(10)
        while not told:
            connection.sendall(GET)
            answers.append(answer := read_answer(connection))
            told = b"Connection: close" in answer.head


def test_second_sigterm_to_every_process_changes_nothing(own_server: Server, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with request_in_flight(own_server, release) as connection:
        for _ in range(3):
            os.killpg(own_server.process.pid, signal.SIGTERM)
            until(lambda: not is_listening(own_server))
        release.touch()
        assert read_answer(connection).status == 200
    assert own_server.process.wait(timeout=10) == 0
