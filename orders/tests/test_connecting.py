"""A post ends in time whatever the way to the platform is like, for its event is leased no longer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from orders.outbox.connecting import Resolver
from orders.outbox.platform import Platform
from tests.kit.platforms import outcome, talking
from tests.kit.scenes import at_once

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
    with talking([TAKEN]) as talker, monkeypatch.context() as patch:
        patch.setattr(
            socket, "getaddrinfo", lambda *asked, **kind: answered.wait() and look_up(*asked, **kind)
        )
        platform = Platform(url=talker.url, secret="", user_agent="pointshop/1")
        with pytest.MonkeyPatch.context() as hurried:
            hurried.setattr("orders.outbox.connecting.LOOKUP_SECONDS", 0.1)
            assert "no name server answered in time" in outcome(platform)
        answered.set()
        assert outcome(platform) == "taken"


def test_posts_at_once_look_the_name_up_once(monkeypatch):
    asked, answered, everybody = [], threading.Event(), threading.Barrier(7)
    look_up, share = socket.getaddrinfo, Resolver._shared_lookup

    def look_up_later(*place, **kind):
        asked.append(place)
        return answered.wait(10) and look_up(*place, **kind)

    def share_with_everybody(resolver):
        lookup = share(resolver)
        everybody.wait(10)
        answered.set()
        return lookup

    with talking(*[[TAKEN]] * 7) as talker, monkeypatch.context() as patch:
        platform = Platform(url=talker.url, secret="", user_agent="pointshop/1")
        patch.setattr(socket, "getaddrinfo", look_up_later)
        patch.setattr(Resolver, "_shared_lookup", share_with_everybody)
        assert at_once([lambda: outcome(platform)] * 7) == ["taken"] * 7
    assert len(asked) == 1


def test_address_of_a_kind_that_this_machine_lacks_is_passed_over(monkeypatch):
    with talking([TAKEN]) as talker:
        platform = name_with_addresses(monkeypatch, urlsplit(talker.url).port or 0)
        (found,) = socket.getaddrinfo()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_kind: [(99, *found[1:]), found])
        assert outcome(platform) == "taken"


def test_address_that_does_not_answer_is_passed_over(monkeypatch, silent):
    monkeypatch.setattr("orders.outbox.connecting.CONNECT_SECONDS", 1)
    with talking([TAKEN]) as talker:
        alive = urlsplit(talker.url).port or 0
        assert outcome(name_with_addresses(monkeypatch, silent, alive)) == "taken"


def test_addresses_that_do_not_answer_take_no_longer_than_a_post_may(monkeypatch, silent):
    monkeypatch.setattr("orders.outbox.connecting.CONNECT_SECONDS", 0.1)
    monkeypatch.setattr("orders.outbox.platform.WHOLE_POST_SECONDS", 0.2)
    with talking([TAKEN]) as talker:
        alive = urlsplit(talker.url).port or 0
        assert "TimeoutError" in outcome(name_with_addresses(monkeypatch, *[silent] * 5, alive))
        assert talker.connections == 0
