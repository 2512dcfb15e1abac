"""Which answer counts for which event, and which connections are used again."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orders.outbox import platform as platform_module
from orders.outbox.platform import Platform
from tests.kit.platforms import Said, Talker, outcome, talking
from tests.kit.processes import until

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@contextmanager
def platform_that_says(*says: list[Said], greeting: bytes = b"") -> Iterator[tuple[Platform, Talker]]:
    with talking(*says, greeting=greeting) as talker:
        yield Platform(url=talker.url, secret="", user_agent="pointshop/1"), talker


def outcomes(platform: Platform, *, posts: int) -> list[str]:
    """What became of so many posts, one after another."""
    return [outcome(platform) for _ in range(posts)]


@pytest.mark.parametrize(
    "interim",
    [
        [HINTS],
        [HINTS, 0.1],
        [HINTS * 50],
        [CONTINUE],
        [CONTINUE, HINTS, b"HTTP/1.1 102 Processing\r\n\r\n", 0.1, b"HTTP/1.1 199 Hm\r\n\r\n"],
        [b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"],
    ],
    ids=["hints", "hints at once", "many hints", "continue", "several kinds", "hints that speak of a body"],
)
def test_answer_after_interim_ones_counts_and_keeps_the_connection(interim):
    with platform_that_says([*interim, TAKEN], [*interim, REFUSED]) as (platform, talker):
        assert outcomes(platform, posts=2) == ["taken", "HTTP 500"]
    assert talker.connections == 1


@pytest.mark.parametrize(
    "never_final",
    [
        [HINTS],
        [HINTS, b"HTTP/1.1 20"],
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"],
    ],
    ids=["no more", "half a line", "another protocol"],
)
def test_interim_answer_is_not_success_and_its_connection_is_not_used_again(never_final, monkeypatch):
    monkeypatch.setattr("orders.outbox.platform.READ_SECONDS", 0.3)
    with platform_that_says(never_final, [TAKEN]) as (platform, talker):
        first, second = outcomes(platform, posts=2)
    assert first != "taken"
    assert second == "taken"
    assert [number for number, _ in talker.heard] == [1, 2]


@pytest.mark.parametrize(
    "heads",
    [HINTS * 2000, CONTINUE * 5000, b"HTTP/1.1 103 Early Hints\r\n" + (b"X: " + b"x" * 9000 + b"\r\n") * 20],
    ids=["hints", "continue", "a long one"],
)
def test_interim_answers_without_end_are_given_up_on(heads):
    with platform_that_says([heads + b"\r\n" + TAKEN]) as (platform, _):
        said = outcome(platform)
    assert "headers are too long" in said or "Receive buffer too long" in said


@pytest.mark.parametrize(
    "more_than_an_answer",
    [
        [REFUSED + TAKEN],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno" + TAKEN],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\nno, longer than it said"],
        [b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 204 No Content\r\n\r\n" + TAKEN],
        [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n" + TAKEN],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 1_0\r\n\r\n0123456789"],
        [b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n" + TAKEN],
        [b"HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" + TAKEN],
        [b"HTTP/1.0 500 Oops\r\nContent-Length: 0\r\n\r\n" + TAKEN],
        [b"HTTP/1.1 500 Oops\r\nConnection: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0.1, TAKEN],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nContent-Length : 9\r\n\r\n", 0.1, TAKEN],
    ],
    ids=[
        "two answers",
        "two answers with bodies",
        "longer than it says",
        "204 with a body",
        "204 and another",
        "304 and another",
        "two framings",
        "no length",
        "chunks and another",
        "closing and another",
        "HTTP/1.0 and another",
        "two wishes for the connection",
        "a header that is none",
    ],
)
def test_bytes_after_an_answer_are_no_answer_to_the_next_event(more_than_an_answer):
    with platform_that_says(more_than_an_answer, [REFUSED]) as (platform, talker):
        assert outcomes(platform, posts=2)[1] == "HTTP 500"
    assert [number for number, _ in talker.heard] == [1, 2]


@pytest.mark.parametrize("headers", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
def test_answer_204_with_a_body_is_success_and_closes_its_connection(headers):
    with platform_that_says([b"HTTP/1.1 204 No Content\r\n" + headers + b"\r\n\r\n"]) as (platform, talker):
        assert outcomes(platform, posts=2) == ["taken"] * 2
    assert talker.connections == 2


@pytest.mark.parametrize("size", [b"-1", b"-0", b"+2", b"0x2", b"0_2", b" 2", b"", b"2" * 17])
def test_chunk_of_no_size_is_not_read_however_much_comes(size, monkeypatch):
    monkeypatch.setattr("orders.outbox.platform.READ_SECONDS", 0.3)
    chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\nok\r\n0\r\n\r\n"
    with platform_that_says([chunk], [REFUSED]) as (platform, talker):
        assert [outcome(platform) != "taken", outcome(platform)] == [True, "HTTP 500"]
    assert talker.connections == 2


def test_answer_that_comes_between_two_events_counts_for_neither():
    with platform_that_says([TAKEN, 0.05, TAKEN], [REFUSED]) as (platform, talker):
        first = outcome(platform)
        (connection,) = platform.idle
        until(lambda: connection.socket.recv(1, socket.MSG_PEEK))
        assert [first, outcome(platform)] == ["taken", "HTTP 500"]
    assert [number for number, _ in talker.heard] == [1, 2]


def test_answer_after_a_refusal_counts_for_no_event_however_soon_the_next_is_sent():
    with platform_that_says([REFUSED, 0.005, TAKEN]) as (platform, talker):
        assert outcomes(platform, posts=20) == ["HTTP 500"] * 20
    assert talker.connections == 20


def test_answer_that_comes_after_the_time_out_counts_for_nothing(monkeypatch):
    monkeypatch.setattr("orders.outbox.platform.READ_SECONDS", 0.1)
    with platform_that_says([0.3, TAKEN], [REFUSED]) as (platform, talker):
        first = outcome(platform)
        time.sleep(0.4)
        second = outcome(platform)
    assert "timed out" in first
    assert second == "HTTP 500"
    assert [number for number, _ in talker.heard] == [1, 2]


def test_answer_before_a_request_counts_for_nothing(monkeypatch):
    connect = platform_module.connect

    def connect_and_wait(*args):
        connected = connect(*args)
        until(lambda: connected.recv(1, socket.MSG_PEEK))
        return connected

    monkeypatch.setattr(platform_module, "connect", connect_and_wait)
    with platform_that_says([TAKEN], greeting=TAKEN) as (platform, _):
        assert "spoke before it was asked" in outcome(platform)


@pytest.mark.parametrize(
    "answer",
    [
        TAKEN,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["empty", "chunks", "204", "204 with its length"],
)
def test_plain_answer_leaves_its_connection_for_the_next_event(answer):
    with platform_that_says([answer]) as (platform, talker):
        assert outcomes(platform, posts=3) == ["taken"] * 3
    assert talker.connections == 1


def test_body_that_drips_is_cut_at_the_total_timeout_without_keep_alive_too(monkeypatch):
    monkeypatch.setattr("orders.outbox.platform.WHOLE_POST_SECONDS", 0.3)
    drips = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n", *[0.1, b"x"] * 1000]
    with platform_that_says(drips) as (platform, _):
        assert "TimeoutError" in outcome(platform)
