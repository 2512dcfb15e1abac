"""Who is calling, as the real web server reads it, and its processes and threads."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.kit.processes import ROOT, open_folder, until
from tests.kit.web_server import CHUNKED, THREADS, Server, answers_from, headers, running_server, state_of


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
        until(lambda: ended not in server.workers())
        assert [*temporary.glob("pointshop-metrics-*")]
        server.process.send_signal(signal.SIGQUIT)
        server.process.wait(timeout=10)
    assert not [*temporary.glob("pointshop-metrics-*")]


def test_next_server_removes_the_counters_of_a_killed_one_and_no_other_s(temporary: Path) -> None:
    with running_server(TMPDIR=str(temporary)) as killed:
        (left,) = temporary.glob("pointshop-metrics-*")
        workers = killed.workers()
        killed.process.kill()
        killed.process.wait()
        until(lambda: all(state_of(pid) == psutil.STATUS_ZOMBIE for pid in workers))
    with running_server(TMPDIR=str(temporary)) as first:
        (living,) = temporary.glob("pointshop-metrics-*")
        assert living != left
        with running_server(TMPDIR=str(temporary)):
            assert living in {*temporary.glob("pointshop-metrics-*")}
            assert first.ask().status == 200


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
    until(lambda: len(own_server.workers() - {victim}) == 2)
    until(lambda: answers_from(own_server) == own_server.workers())


def test_workers_do_not_outlive_a_killed_master(own_server: Server) -> None:
    workers = own_server.workers()
    own_server.process.kill()
    own_server.process.wait()
    until(lambda: all(state_of(pid) == psutil.STATUS_ZOMBIE for pid in workers))


@pytest.mark.long
def test_client_that_reads_nothing_of_an_answer_is_hung_up_on_and_one_that_reads_is_not() -> None:
    huge = b"GET /huge HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
    with running_server(WEB_CONCURRENCY="1", IDLE_SECONDS="2") as impatient, impatient.connect() as stalled:
        stalled.sendall(huge)
        port, (worker,) = stalled.getsockname()[1], map(psutil.Process, impatient.workers())
        with impatient.connect() as reading:
            reading.sendall(huge)
            assert sum(map(len, iter(lambda: reading.recv(1024 * 1024), b""))) > 64 * 1024 * 1024
        until(lambda: port not in {each.raddr.port for each in worker.net_connections() if each.raddr})
