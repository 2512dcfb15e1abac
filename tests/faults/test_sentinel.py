"""Redis behind Sentinel: its master dies or is mute, the replica takes over, and the same processes go on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.test import override_settings

from config.services import redis_url
from core.broker import sentinel
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.monitored_redis import PASSWORD, SENTINEL_PASSWORD, MonitoredRedis, monitored_redis
from tests.kit.platforms import is_delivered, receiver
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Servers, Shop, open_shop

Fault = Callable[[MonitoredRedis, int], None]

SETTINGS = {"RANKING_CACHE_SECONDS": "60", "RATE_LIMITS": "*=1000/s"}
# The breaker's five, on top of what the failover itself takes.
RECOVERED_SECONDS = 20


@pytest.fixture(scope="module")
def monitored(folder: Path) -> Iterator[MonitoredRedis]:
    """Two Redis and their Sentinel, for this module alone."""
    redises = folder / "redis"
    redises.mkdir()
    with monitored_redis(redises) as running:
        yield running


@pytest.fixture(scope="module")
def opened(servers: Servers, monitored: MonitoredRedis, folder: Path) -> Iterator[Shop]:
    """A shop whose cache and broker are both behind Sentinel."""
    with (
        override_settings(REDIS_URL=monitored.url),
        receiver(folder) as platform,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        with open_shop(servers=servers, platform=platform, folder=folder) as shop:
            yield shop


def ready(shop: Shop) -> bool:
    """Whether cache and broker are well, not only the database."""
    return bool(shop.http.get("/readyz").json["status"] == "ok")


def fail_over(monitored: MonitoredRedis, fault: Fault) -> int:
    """Apply the fault to the master until it no longer answers; its port."""
    old = monitored.master_port()
    fault(monitored, old)
    assert not answers(monitored.client(old))
    return old


def client_of(url: str) -> "redis.Redis[bytes]":
    """One as the cache has it."""
    pool = sentinel.Pool.from_url(redis_url("CACHE_URL", url), socket_timeout=1, socket_connect_timeout=1)
    return redis.Redis(connection_pool=pool)


def answers(client: "redis.Redis[bytes]") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def in_use(monitored: MonitoredRedis, shop: Shop) -> bool:
    """Whether the new master has the ranking, and the worker asks it for messages that are put there."""
    new = monitored.client(monitored.master_port())
    until(lambda: shop.http.get("/api/v1/rankings/products").status == 200 and new.keys("*ranking*"))
    return {"cmdstat_lpush", "cmdstat_brpop"} <= new.info("commandstats").keys()


def test_client_of_one_address_does_not_follow_the_master(monitored: MonitoredRedis) -> None:
    by_sentinel = client_of(monitored.url)
    by_address = monitored.client(monitored.master_port())
    assert by_sentinel.ping()
    assert by_address.ping()
    fail_over(monitored, MonitoredRedis.kill)
    until(lambda: answers(by_sentinel), seconds=RECOVERED_SECONDS)
    assert by_sentinel.set("written", "to the new master")
    assert not answers(by_address)


@pytest.mark.parametrize("fault", [MonitoredRedis.kill, MonitoredRedis.freeze])
def test_failover_fails_no_request_and_the_same_processes_go_on(
    shop: Shop, monitored: MonitoredRedis, fault: Fault
) -> None:
    monitored.start()
    user, product = buyer(shop.http), ProductFactory(price=1, stock=1_000_000)
    until(lambda: ready(shop))
    processes = [part.running and part.running.pid for part in (shop.web, shop.worker, shop.beat)]
    old = fail_over(monitored, fault)
    impatient = Client(shop.http.url, timeout=5)

    def recovered() -> bool:
        for answer in (impatient.order(user, {product.pk: 1}), impatient.get("/api/v1/rankings/products")):
            assert answer.status in {200, 201}, answer.json
        return monitored.master_port() != old and ready(shop)

    until(recovered, seconds=RECOVERED_SECONDS)
    order = shop.http.order(user, {product.pk: 1}).json
    until(lambda: is_delivered(order), seconds=RECOVERED_SECONDS)
    assert in_use(monitored, shop)
    shop.deliver_all()
    assert processes == [part.running and part.running.pid for part in (shop.web, shop.worker, shop.beat)]


def test_logs_show_no_password(shop: Shop) -> None:
    for part in (shop.web, shop.worker, shop.beat):
        log = part.log.read_text()
        assert PASSWORD not in log
        assert SENTINEL_PASSWORD not in log


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f":{PASSWORD}@", ":nobody@"),
        (SENTINEL_PASSWORD, "nobody"),
        ("master_name=shop", "master_name=nobody"),
    ],
)
def test_unreachable_sentinels_are_an_error_of_redis_which_the_shop_does_without(
    monitored: MonitoredRedis, right: str, wrong: str
) -> None:
    with pytest.raises(redis.ConnectionError) as refused:
        client_of(monitored.url.replace(right, wrong)).ping()
    assert not any(each in str(refused.value) for each in (PASSWORD, SENTINEL_PASSWORD))
