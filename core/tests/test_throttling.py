"""Rate limits, where they are configured."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.rates import Rate, rates
from tests.kit import processes
from tests.kit.client import Client
from users.factories import UserFactory


@pytest.fixture(scope="module")
def limited(django_db_setup, django_db_blocker, logs: Path) -> Iterator[str]:
    """A shop that takes three charges an hour and five requests of any other kind."""
    limits = "point-charges=3/h,*=5/h"
    with django_db_blocker.unblock(), processes.web(log=logs / "web.log", RATE_LIMITS=limits) as url:
        yield url


@pytest.fixture
def shop(limited: str, transactional_db) -> Client:
    return Client(limited)


def charges(shop: Client, user, count: int) -> list[int]:
    return [shop.charge(user, 1).status for _ in range(count)]


def test_throttled_caller_is_told_when_to_retry(shop):
    user = UserFactory()
    assert charges(shop, user, 4) == [201, 201, 201, 429]
    refused = shop.charge(user, 1)
    assert refused.code == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600


def test_charges_at_once_pass_no_more_often_than_charges_in_turn(shop):
    user = UserFactory()
    with ThreadPoolExecutor(24) as pool:
        statuses = [*pool.map(lambda _: shop.charge(user, 1).status, range(24))]
    assert sorted(statuses) == [201] * 3 + [429] * 21


def test_throttle_counts_callers_and_endpoints_apart(shop):
    first, second = UserFactory.create_batch(2)
    assert charges(shop, first, 4)[-1] == 429
    assert charges(shop, second, 3) == [201, 201, 201]
    assert shop.get("points", user=first).status == 200


def test_throttle_star_limits_endpoints_that_are_not_named(shop):
    user = UserFactory()
    statuses = [shop.get("orders", user=user).status for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 200, 429]


def test_refusal_for_another_cause_counts_too(shop):
    user = UserFactory()
    statuses = [shop.post("points/charges", {"amount": 0}, user=user).status for _ in range(4)]
    assert statuses == [400, 400, 400, 429]


def test_throttle_lets_requests_through_without_redis(transactional_db, logs):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    with processes.web(log=logs / "web.log", RATE_LIMITS="*=1/h", CACHE_URL=nobody) as url:
        assert charges(Client(url), UserFactory(), 3) == [201, 201, 201]


def test_throttle_without_limits_counts_nothing(http):
    assert charges(http, UserFactory(), 20) == [201] * 20


def test_rates_are_read_as_they_are_written():
    assert rates("") == {}
    assert rates(" order-create=5/s, *=60/min ") == {"order-create": Rate(5, 1), "*": Rate(60, 60)}


@pytest.mark.parametrize("text", ["order-create", "order-create=0/s", "a=5", "a=5/day", "a=-1/s", "a=1.5/s"])
def test_rate_that_cannot_be_read_stops_the_start(text):
    with pytest.raises(ValueError, match="=" if "=" in text else text):
        rates(text)
