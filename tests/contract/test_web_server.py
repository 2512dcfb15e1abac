"""The real web server, gunicorn with config/gunicorn.py, over raw sockets, with echo_app.py inside."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from waitress.adjustments import Adjustments

from core.http.waitress_worker import (
    LARGE_BODY_BYTES,
    LINGER_SECONDS,
    MAX_FRAMING_BYTES,
    MAX_LARGE_BODIES,
    Parser,
)
from tests.kit.processes import open_folder

ROOT = Path(__file__).parents[2]
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


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not come true in time"
        time.sleep(0.01)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


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
        wait_until(lambda: answers_from(server) == server.workers() and len(server.workers()) == count)
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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """For tests that stop or hurt it."""
    with running_server() as running:
        yield running


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
        wait_until(release.with_suffix(".begun").exists)
        yield connection


def is_listening(server: Server) -> bool:
    try:
        server.connect().close()
    except ConnectionError:
        return False
    return True


def headers(*lines: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: shop\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"


# Who is calling


def test_identity_header_is_read(server: Server) -> None:
    assert server.ask(headers(b"X-User-Id: 7")).echo["headers"]["HTTP_X_USER_ID"] == "7"


def test_header_name_with_underscores_is_never_the_identity_header(server: Server) -> None:
    for name in (b"X_User_Id", b"X_User-Id", b"X-User_Id", b"x_user_id"):
        assert "HTTP_X_USER_ID" not in server.ask(headers(name + b": 8")).echo["headers"]


def test_header_name_with_underscores_does_not_touch_the_identity_header_beside_it(server: Server) -> None:
    for lines in ((b"X-User-Id: 7", b"X_User_Id: 8"), (b"X_User_Id: 8", b"X-User-Id: 7")):
        assert server.ask(headers(*lines)).echo["headers"]["HTTP_X_USER_ID"] == "7"


def test_identity_in_the_trailer_of_a_chunked_body_is_not_read(server: Server) -> None:
    answer = server.ask(CHUNKED.removesuffix(b"\r\n") + b"X-User-Id: 8\r\n\r\n")
    assert answer.echo["body"] == "hello world"
    assert "HTTP_X_USER_ID" not in answer.echo["headers"]


def test_forwarded_headers_of_a_stranger_are_dropped(server: Server) -> None:
    echo = server.ask(headers(b"X-Forwarded-Proto: https", b"X-Forwarded-For: 203.0.113.9")).echo
    assert echo["scheme"] == "http"
    assert not [name for name in echo["headers"] if "FORWARDED" in name]


def test_forwarded_headers_of_proxies_in_the_list_count() -> None:
    chain = headers(b"X-Forwarded-Proto: https,http", b"X-Forwarded-For: 203.0.113.9, 10.0.0.2")
    with running_server(FORWARDED_ALLOW_IPS="10.0.0.0/8, 127.0.0.0/8") as behind_proxies:
        echo = behind_proxies.ask(chain).echo
    assert (echo["scheme"], echo["client"]) == ("https", "203.0.113.9")


def test_ipv6_address_is_listened_on() -> None:
    chain = headers(b"X-Forwarded-Proto: https", b"X-Forwarded-For: 2001:db8::9")
    with running_server(HOST="::1", FORWARDED_ALLOW_IPS="::1/128") as server:
        echo = server.ask(chain).echo
    assert (echo["scheme"], echo["client"]) == ("https", "2001:db8::9")


# Bodies


def test_chunked_body_without_a_length_is_read_whole(server: Server) -> None:
    assert server.ask(CHUNKED).echo["body"] == "hello world"


def test_chunked_body_that_arrives_byte_by_byte_is_read_whole() -> None:
    """By the server's parser alone: on their way through the kernel the bytes would join."""
    parser = Parser(Adjustments())
    for index in range(len(CHUNKED)):
        assert not parser.completed
        assert parser.received(CHUNKED[index : index + 1]) == 1
    assert (parser.completed, parser.error) == (True, None)
    assert parser.get_body_stream().read() == b"hello world"


def test_chunked_body_of_64_kib_is_read_whole_however_small_its_chunks(server: Server) -> None:
    head, _, end = CHUNKED.partition(b"5\r\nhello\r\n6\r\n world\r\n")
    assert len(server.ask(head + b"1\r\na\r\n" * 65_536 + end).echo["body"]) == 65_536


DOUBTFUL = {
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "chunked and a length": CHUNKED.replace(b"Host: shop", b"Content-Length: 3"),
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "empty encoding": CHUNKED.replace(b"chunked", b""),
    "endless extension": CHUNKED.partition(b"\r\nhello")[0] + b";" + b"x" * 20_000,
    "chunk that ends otherwise": CHUNKED.replace(b"hello\r\n", b"helloXX"),
    "chunk that ends in a line feed": CHUNKED.replace(b"hello\r\n", b"hello\n"),
    "line feed behind a size": CHUNKED.replace(b"5\r\n", b"5\n\r\n"),
    "line feed behind the last size": CHUNKED.replace(b"0\r\n", b"0\n\r\n"),
    "line feed behind an extension": CHUNKED.replace(b"5\r\n", b"5;a=b\n\r\n"),
    "long trailer": CHUNKED.removesuffix(b"\r\n") + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_body_whose_end_is_doubtful_is_refused(server: Server, request_bytes: bytes) -> None:
    assert server.ask(request_bytes).status == 400


def test_body_over_32_mib_is_refused_before_it_is_sent(server: Server) -> None:
    assert server.ask(b"POST / HTTP/1.1\r\nContent-Length: 33554433\r\n\r\n").status == 413


# Harm


def test_target_that_cannot_be_taken_apart_is_refused(server: Server) -> None:
    assert server.ask(GET.replace(b"/ ", b"http://[half/ ")).status == 400


@pytest.mark.parametrize("chunk", [b"1\r\na\r\n", b"\r\n"])
def test_chunked_body_that_is_hardly_more_than_framing_is_refused(server: Server, chunk: bytes) -> None:
    framing = len(chunk) - chunk.count(b"a")
    head = CHUNKED.partition(b"5\r\nhello")[0]
    assert server.ask(head + chunk * (MAX_FRAMING_BYTES // framing + 1)).status == 400


def test_large_bodies_begun_at_once_are_few() -> None:
    head = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 30000000\r\n\r\n"
    with running_server(WEB_CONCURRENCY="1") as server, ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(MAX_LARGE_BODIES + 1)]
        for connection in connections:
            connection.sendall(head + b"x" * (LARGE_BODY_BYTES + 1))
        refused, _, _ = select.select(connections, (), (), 10)
        answer = read_answer(refused[0])
        assert (len(refused), answer.status) == (1, 503)
        assert b"\r\nRetry-After: 5" in answer.head
        assert server.ask().status == 200
        for connection in connections:
            connection.close()
        again = LARGE_BODY_BYTES + 1
        whole = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n" % again + b"x" * again
        assert server.ask(whole).status == 200


def test_header_of_20_kb_is_refused_and_does_no_harm(server: Server) -> None:
    before = server.workers()
    assert server.ask(headers(b"X-Big: " + b"a" * 20_000)).status == 431
    assert server.ask(headers(b"X-Big: " + b"a" * 10_000)).status == 200
    assert server.workers() == before


def test_errors_of_the_server_itself_name_no_software_and_show_no_trace(server: Server) -> None:
    for request in (headers(b"no colon"), headers(b"X: " + b"a" * 20_000), GET.replace(b"/ ", b"/crash ")):
        answer = server.ask(request)
        assert answer.status >= 400
        assert not re.search(rb"(?i)\nserver:|waitress|gunicorn|traceback|secret", answer.head + answer.body)


def test_half_sent_requests_do_not_stop_the_others(server: Server) -> None:
    with slow_requests(server, 1000):
        begun = time.monotonic()
        assert all(server.ask().status == 200 for _ in range(50))
        assert time.monotonic() - begun < 5


def test_half_sent_request_is_answered_once_its_other_half_arrives(server: Server) -> None:
    with slow_requests(server, 20) as connections:
        for slow in connections[1::2]:
            slow.sendall(b"x" * 96)
        assert {read_answer(slow).echo["body"] for slow in connections[1::2]} == {"half" + "x" * 96}


def test_clients_that_do_not_read_their_answers_do_not_stop_the_others() -> None:
    """As many as there are threads."""
    with running_server(WEB_CONCURRENCY="1") as server, ExitStack() as stack:
        for _ in range(THREADS):
            stack.enter_context(server.connect()).sendall(GET.replace(b"/ ", b"/big "))
        assert all(server.ask().status == 200 for _ in range(20))


# Processes and threads


def test_requests_at_once_are_served_by_lasting_threads_of_several_processes(server: Server) -> None:
    """Database connections last as long as the threads that hold them."""
    with ThreadPoolExecutor(8) as clients:
        echoes = [answer.echo for answer in clients.map(lambda _: server.ask(), range(300))]
    assert {echo["pid"] for echo in echoes} <= server.workers()
    assert len({echo["thread"] for echo in echoes}) <= 2 * THREADS


def test_requests_one_by_one_keep_to_a_few_threads(server: Server) -> None:
    """By turns, each of the 64 would be waited for, with its memory and its database session grown cold."""
    threads = {server.ask().echo["thread"] for _ in range(300)}
    assert len(threads) <= THREADS // 2


@pytest.fixture
def temporary() -> Iterator[Path]:
    """For TMPDIR: a folder that nothing but the server writes into."""
    with open_folder("web") as folder:
        yield folder


def test_counters_outlive_a_worker_and_not_the_server(temporary: Path) -> None:
    with running_server(TMPDIR=str(temporary)) as server:
        ended = min(server.workers())
        os.kill(ended, signal.SIGQUIT)
        wait_until(lambda: ended not in server.workers())
        assert [*temporary.glob("pointshop-metrics-*")]
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(timeout=10)
    assert not [*temporary.glob("pointshop-metrics-*")]


def test_server_that_cannot_start_leaves_nothing_behind(temporary: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "config/gunicorn.py",
        "tests.contract.echo_app:application",
    ]
    env = {**os.environ, "TMPDIR": str(temporary), "GUNICORN_CMD_ARGS": "--pid=/nowhere/pid"}
    refused = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    assert refused.returncode == 1
    assert b"/nowhere" in refused.stderr
    assert not [*temporary.glob("pointshop-metrics-*")]


def test_killed_worker_is_replaced(own_server: Server) -> None:
    victim = min(own_server.workers())
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(own_server.workers() - {victim}) == 2)
    wait_until(lambda: answers_from(own_server) == own_server.workers())


def test_workers_do_not_outlive_a_killed_master(own_server: Server) -> None:
    workers = own_server.workers()
    own_server.process.kill()
    own_server.process.wait()
    wait_until(lambda: all(state_of(pid) == psutil.STATUS_ZOMBIE for pid in workers))


def state_of(pid: int) -> str:
    """As psutil names it, that of a zombie where there is no such process."""
    try:
        return psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE


# Stopping


def test_sigterm_lets_every_request_in_flight_finish(own_server: Server, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with request_in_flight(own_server, release) as one, request_in_flight(own_server, release) as two:
        own_server.process.terminate()
        wait_until(lambda: not is_listening(own_server))
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
    with ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(ask_until_told_to_close, own_server, answers) for _ in range(16)]
        wait_until(lambda: len(answers) > 500)
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
    wait_until(lambda: all(state_of(pid) == psutil.STATUS_STOPPED for pid in pids))
    try:
        yield
    finally:
        resume(pids)


def resume(pids: set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def ask_until_told_to_close(server: Server, answers: list[Answer]) -> None:
    told = False
    with server.connect() as connection:
        while not told:
            connection.sendall(GET)
            answers.append(answer := read_answer(connection))
            told = b"Connection: close" in answer.head


def test_second_sigterm_to_every_process_changes_nothing(own_server: Server, tmp_path: Path) -> None:
    release = tmp_path / "release"
    with request_in_flight(own_server, release) as connection:
        for _ in range(3):
            os.killpg(own_server.process.pid, signal.SIGTERM)
            wait_until(lambda: not is_listening(own_server))
        release.touch()
        assert read_answer(connection).status == 200
    assert own_server.process.wait(timeout=10) == 0
