"""A ranking that may be RANKING_CACHE_SECONDS old."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from django.core.cache import cache
from django.db import transaction

from core.problems import Unavailable
from products.factories import ProductFactory
from rankings.cache import KEY, LOCK, cached
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import execute, lock_waiters
from tests.kit.processes import until
from tests.kit.scenes import buyer

READERS = 32


@pytest.fixture(scope="module")
def caching(django_db_setup, django_db_blocker, logs: Path) -> Iterator[str]:
    """A shop whose ranking may be a minute old."""
    with django_db_blocker.unblock(), processes.web(log=logs / "web.log", RANKING_CACHE_SECONDS="60") as url:
        yield url


@pytest.fixture
def shop(caching: str, transactional_db) -> Iterator[Client]:
    cache.clear()
    yield Client(caching)
    cache.clear()


def ranking(shop: Client) -> dict:
    answer = shop.get("rankings/products")
    assert answer.status == 200
    return answer.json


def test_cached_ranking_has_its_as_of_and_the_stock_of_now(shop):
    user, product = buyer(shop), ProductFactory(price=1, stock=10)
    shop.order(user, {product.pk: 2})
    first = ranking(shop)
    shop.order(user, {product.pk: 3})
    second = ranking(shop)
    assert second["as_of"] == first["as_of"] == second["to"]
    assert [(row["units_sold"], row["stock"]) for row in second["results"]] == [(2, 5)]


@contextmanager
def computing_held_up() -> Iterator[None]:
    """Who computes a ranking inside the block waits for its end."""
    with transaction.atomic():
        execute("LOCK TABLE rankings_saleswindow IN ACCESS EXCLUSIVE MODE")
        yield


def asked_at_once(shop: Client) -> tuple[int, int]:
    """Of 32 readers over two processes: how many compute at the same time, and how many ever do."""
    with ThreadPoolExecutor(READERS) as pool:
        with computing_held_up():
            answers = [pool.submit(ranking, shop) for _ in range(READERS)]
            until(lock_waiters)
            wait(answers, timeout=0.5)  # for a second one, who must not come
            at_once = len(lock_waiters())
        return at_once, len({answer.result()["as_of"] for answer in answers})


def test_cache_lets_32_readers_make_one_computation(shop):
    assert asked_at_once(shop) == (1, 1)


def test_readers_without_the_cache_make_many_computations(http, transactional_db):
    at_once, in_all = asked_at_once(http)
    assert at_once > 1
    assert in_all > 1


def test_waiting_reader_takes_over_from_a_dead_one(shop):
    cache.set(LOCK, 1, timeout=1)
    with ThreadPoolExecutor(READERS) as pool:
        answers = list(pool.map(lambda _: ranking(shop), range(READERS)))
    assert len({answer["as_of"] for answer in answers}) == 1


def test_ranking_that_is_not_kept_is_made_again(shop):
    first = ranking(shop)
    cache.delete(KEY)
    assert ranking(shop)["as_of"] > first["as_of"]


@pytest.mark.parametrize("rubbish", [b"\x80\x04rubbish", b"", b"null", b"[1]", b'"x"', b"7"])
def test_cached_ranking_that_cannot_be_read_counts_as_absent(shop, rubbish):
    client = cache._cache.get_client(None, write=True)
    client.set(cache.make_key(KEY), rubbish)
    assert ranking(shop)["results"] == []


def test_reader_that_died_while_computing_delays_others_briefly(shop):
    cache.set(LOCK, 1, timeout=60)
    assert ranking(shop)["results"] == []
    assert cache.get(LOCK) == 1


def test_failed_computation_does_not_delay_the_next_caller(transactional_db):
    def fail() -> NoReturn:
        raise Unavailable

    cache.clear()
    with pytest.raises(Unavailable):
        cached(fail, seconds=60)
    assert cache.get(LOCK) is None


def test_ranking_without_redis_is_computed_each_time(transactional_db, logs):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    with processes.web(log=logs / "web.log", RANKING_CACHE_SECONDS="60", CACHE_URL=nobody) as url:
        shop = Client(url)
        assert ranking(shop)["as_of"] < ranking(shop)["as_of"]
