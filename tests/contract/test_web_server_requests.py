"""Requests that the real web server reads whole, and those that it refuses or is not harmed by."""

import re
import select
import time
from contextlib import ExitStack

import pytest
from waitress.adjustments import Adjustments

from core.http.waitress_worker import LARGE_BODY_BYTES, MAX_FRAMING_BYTES, MAX_LARGE_BODIES, Parser
from tests.kit.web_server import (
    CHUNKED,
    GET,
    THREADS,
    Server,
    headers,
    read_answer,
    receive,
    running_server,
    slow_requests,
)


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


@pytest.mark.parametrize("whole", [GET, GET.replace(b"GET", b"POST")], ids=["GET", "POST"])
def test_request_without_a_body_that_expects_to_be_asked_for_it_is_answered(
    server: Server, whole: bytes
) -> None:
    expecting = whole.replace(b"Host: shop", b"Host: shop\r\nExpect: 100-continue")
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(expecting)
            assert read_answer(connection).status == 200


def test_request_that_expects_to_be_asked_for_its_body_is_asked(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        assert receive(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"hello")
        assert read_answer(connection).echo["body"] == "hello"


DOUBTFUL = {
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "chunked and a length": CHUNKED.replace(b"Host: shop", b"Content-Length: 3"),
    "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "an encoding that nobody has": CHUNKED.replace(b"chunked", b"gzip"),
    "chunks of an encoding that nobody has": CHUNKED.replace(b"chunked", b"gzip, chunked"),
    "chunks of chunks": CHUNKED.replace(b"chunked", b"chunked, chunked"),
    "chunked on two lines": CHUNKED.replace(b"chunked", b"chunked\r\nTransfer-Encoding: chunked"),
    "chunked on a second line": CHUNKED.replace(b"chunked", b"\r\nTransfer-Encoding: chunked"),
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
