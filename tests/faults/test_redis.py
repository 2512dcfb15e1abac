"""Redis refused, black-holed, out of memory, flushed, restarted empty: orders notice nothing."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest
import redis

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.faults.load import durations
from tests.kit.faults import never
from tests.kit.platforms import is_delivered
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Servers, Shop

USUAL_SECONDS, FAULT_SECONDS = 2, 8
# A worker notices a silent Redis within 11 seconds; its health check looks for a file touched within 30.
NOTICED_SECONDS, HEALTHY_SECONDS = 14, 30


@contextmanager
def refused(servers: Servers) -> Iterator[None]:
    servers.kill_redis()
    with pytest.raises(redis.ConnectionError):
        servers.redis().ping()
    yield
    servers.start()


@contextmanager
def black_holed(servers: Servers) -> Iterator[None]:
    servers.signal_redis(signal.SIGSTOP)
    with pytest.raises(redis.TimeoutError):
        servers.redis().ping()
    yield
    servers.signal_redis(signal.SIGCONT)


@contextmanager
def out_of_memory(servers: Servers) -> Iterator[None]:
    (before,) = servers.redis().config_get("maxmemory").values()
    servers.redis().config_set("maxmemory", 1)
    with pytest.raises(redis.OutOfMemoryError):
        servers.redis().set("k", "v")
    yield
    servers.redis().config_set("maxmemory", before)


@contextmanager
def flushed(servers: Servers) -> Iterator[None]:
    servers.redis().flushall()
    yield
    servers.redis().flushall()


@contextmanager
def restarted_empty(servers: Servers) -> Iterator[None]:
    servers.kill_redis()
    servers.start()
    assert servers.redis().dbsize() < 10
    yield


FAULTS = [refused, black_holed, out_of_memory, flushed, restarted_empty]


@pytest.mark.parametrize("fault", FAULTS)
def test_orders_keep_their_pace_without_redis_and_events_arrive_soon_after(shop: Shop, fault) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=1_000_000)
    usual = durations(shop, user, product.pk, seconds=USUAL_SECONDS)
    with fault(shop.servers):
        meanwhile = durations(shop, user, product.pk, seconds=FAULT_SECONDS)
    shop.deliver_all(seconds=20)
    assert median(meanwhile) <= 3 * median(usual) + 0.05
    assert max(meanwhile) <= max(usual) + 1  # not even the first is kept waiting
    assert OrderEvent.objects.filter(order__user=user).count() == len(usual) + len(meanwhile)


@pytest.mark.parametrize("fault", FAULTS)
def test_worker_turns_on_and_shows_it_whatever_its_broker_does(shop: Shop, fault) -> None:
    file, begun = shop.folder / "worker.turned", time.monotonic()
    with fault(shop.servers):
        while time.monotonic() - begun < NOTICED_SECONDS:
            os.utime(file, (0, 0))
            until(lambda: file.stat().st_mtime > 0, seconds=HEALTHY_SECONDS)


def test_worker_told_to_stop_while_redis_is_silent_ends(shop: Shop) -> None:
    file = shop.folder / "worker.turned"
    with black_holed(shop.servers):
        until(lambda: b"Cannot connect" in shop.worker.log.read_bytes())
        assert shop.worker.stop() == 0
    shop.start()
    until(lambda: file.stat().st_mtime > 0)


def test_worker_that_does_not_turn_leaves_its_file(shop: Shop) -> None:
    file = shop.folder / "worker.turned"
    shop.worker.send(signal.SIGSTOP)
    os.utime(file, (0, 0))
    assert never(lambda: file.stat().st_mtime > 0)
    shop.worker.send(signal.SIGCONT)
    until(lambda: file.stat().st_mtime > 0)


def test_events_stay_while_redis_is_gone_and_then_the_same_worker_sends_them(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1)
    with refused(shop.servers):
        order = shop.http.order(user, {product.pk: 1}).json
        assert never(lambda: is_delivered(order))
    until(lambda: is_delivered(order), seconds=20)


def test_beat_says_once_that_redis_is_gone_and_once_that_it_is_back(shop: Shop) -> None:
    before = len(shop.beat.log.read_bytes())

    def said() -> bytes:
        return shop.beat.log.read_bytes()[before:]

    shop.servers.redis().config_resetstat()
    until(lambda: "cmdstat_lpush" in shop.servers.redis().info("commandstats"))  # beat has sent something
    with refused(shop.servers):
        until(lambda: b"broker_away" in said())
        assert never(lambda: said().count(b"broker_away") > 1)
    until(lambda: b"broker_back" in said())
    assert b"Traceback" not in said()


def test_worker_that_starts_while_redis_is_full_waits_until_it_is_not(shop: Shop) -> None:
    late = shop.another_worker("late")
    try:
        with out_of_memory(shop.servers):
            late.ready = lambda log: log.count(b"Connection to broker lost") > 1
            late.start()
        until(lambda: b" ready." in late.log.read_bytes(), seconds=20)
        assert b"Traceback" not in late.log.read_bytes()
    finally:
        late.kill()
