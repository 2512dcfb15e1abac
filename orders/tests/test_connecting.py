"""A post ends in time whatever the way to the platform is like, for its event is leased no longer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from orders.outbox.platform import Platform
from tests.kit.platforms import outcome, talking

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a listener that answers no more connections: its backlog is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = listener.getsockname()
        stack.enter_context(socket.create_connection(place))
        yield place[1]


def name_with_addresses(monkeypatch: pytest.MonkeyPatch, *ports: int) -> Platform:
    """A platform whose name has an address on each of these ports of this machine."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_kind: found)
    return Platform(url="http://platform.example/events", secret="", user_agent="pointshop/1")


def test_lookup_that_no_name_server_answers_is_a_failed_attempt_and_the_next_one_succeeds(monkeypatch):
    answered, look_up = threading.Event(), socket.getaddrinfo
    monkeypatch.setattr("orders.outbox.platform.LOOKUP_SECONDS", 0.1)
    with talking([TAKEN]) as talker, monkeypatch.context() as patch:
        patch.setattr(
            socket, "getaddrinfo", lambda *asked, **kind: answered.wait() and look_up(*asked, **kind)
        )
        platform = Platform(url=talker.url, secret="", user_agent="pointshop/1")
        assert "no name server answered in time" in outcome(platform)
        answered.set()
        assert outcome(platform) == "taken"


def test_address_that_does_not_answer_is_passed_over(monkeypatch, silent):
    monkeypatch.setattr("orders.outbox.platform.CONNECT_SECONDS", 0.1)
    with talking([TAKEN]) as talker:
        alive = urlsplit(talker.url).port or 0
        assert outcome(name_with_addresses(monkeypatch, silent, alive)) == "taken"


def test_addresses_that_do_not_answer_take_no_longer_than_a_post_may(monkeypatch, silent):
    monkeypatch.setattr("orders.outbox.platform.CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("orders.outbox.platform.WHOLE_POST_SECONDS", 0.2)
    with talking([TAKEN]) as talker:
        alive = urlsplit(talker.url).port or 0
        assert "TimeoutError" in outcome(name_with_addresses(monkeypatch, *[silent] * 5, alive))
        assert talker.connections == 0
