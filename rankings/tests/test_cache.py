"""A ranking that may be RANKING_CACHE_SECONDS old."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache

from products.factories import ProductFactory
from rankings.cache import KEY
from tests.kit import processes
from tests.kit.client import Client
from tests.kit.scenes import buyer


def _kept(**changed: object) -> bytes:
    """A ranking as the shop keeps it, with some of it changed."""
    usual = {"from": "2026-11-29T00:00:00Z", "to": "2026-11-29T00:00:00Z", "terms": [3, 5, 60], "rows": []}
    return json.dumps({**usual, **changed}).encode()


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


def test_ranking_that_is_not_kept_is_made_again(shop):
    first = ranking(shop)
    cache.delete(KEY)
    assert ranking(shop)["as_of"] > first["as_of"]


@pytest.mark.parametrize(
    "changed", [{"RANKING_DAYS": "1"}, {"RANKING_SIZE": "1"}, {"RANKING_CACHE_SECONDS": "2"}]
)
def test_ranking_kept_under_other_settings_is_not_shown(shop, logs, changed):
    first = ranking(shop)
    settings = {"RANKING_CACHE_SECONDS": "60", **changed}
    with processes.web(log=logs / "web.log", **settings) as url:
        assert ranking(Client(url))["as_of"] > first["as_of"]


RUBBISH = [
    *(b"\x80\x04rubbish", b"", b"null", b"[1]", b'"x"', b"7", b"{}", b"[" * 100_000),
    _kept(rows=[[1, 2]]),
    _kept(rows=[["x", 1, 1]]),
    _kept(rows=[[10**30, 1, 1]]),
    _kept(**{"from": "today"}),
    _kept(to="9999-12-31T23:00:00Z"),
    _kept(**{"from": "0001-01-01T00:00:00+14:00"}),
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_cached_ranking_that_cannot_be_read_counts_as_absent(shop, rubbish):
    client = cache._cache.get_client(None, write=True)
    client.set(cache.make_key(KEY), rubbish)
    assert ranking(shop)["results"] == []


def test_ranking_without_redis_is_computed_each_time(transactional_db, logs):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    with processes.web(log=logs / "web.log", RANKING_CACHE_SECONDS="60", CACHE_URL=nobody) as url:
        shop = Client(url)
        assert ranking(shop)["as_of"] < ranking(shop)["as_of"]
