"""Machines whose clocks disagree: the worker's, beat's and the database's."""

import shutil
import sys
from collections.abc import Iterator

import pytest

from core.broker.transport import LONGEST_QUEUE
from products.factories import ProductFactory
from tests.faults.faulty_platform import answering, faulty_platform
from tests.kit.platforms import is_delivered
from tests.kit.processes import until
from tests.kit.scenes import buyer
from tests.kit.shop import Part, Shop, open_shop

QUEUE = "celery"


@pytest.fixture(scope="module")
def shop(servers, folder) -> Iterator[Shop]:
    with faulty_platform() as platform, open_shop(servers=servers, platform=platform, folder=folder) as shop:
        yield shop


def off_by(part: Part, seconds: str) -> Part:
    """The same process on a machine whose clock is off by so much; what it measures by itself is right."""
    faketime = shutil.which("faketime")
    assert faketime, "make test-faults installs it"
    part.program = (faketime, "-f", f"{seconds}s", sys.executable)
    return part


@pytest.mark.parametrize("seconds", ["+10", "-10"])
def test_worker_with_another_clock_delivers_at_once_and_again(shop: Shop, seconds: str) -> None:
    user, fine, refused = buyer(shop.http), ProductFactory(price=1), ProductFactory(price=1)
    shop.worker.kill()
    worker = off_by(shop.another_worker(f"off{seconds}"), seconds)
    worker.start()
    try:
        shop.platform.faults[refused.pk] = answering("500 Internal Server Error")
        put_off = shop.http.order(user, {refused.pk: 1}).json
        until(lambda: len(shop.platform.tried[refused.pk]) >= 2, seconds=10)  # the second comes by a sweep
        del shop.platform.faults[refused.pk]
        order = shop.http.order(user, {fine.pk: 1}).json
        until(lambda: is_delivered(order) and is_delivered(put_off), seconds=15)
    finally:
        worker.kill()


def test_queue_stays_short_without_a_worker_and_is_delivered_afterwards(shop: Shop) -> None:
    user, product = buyer(shop.http), ProductFactory(price=1, stock=1000)
    shop.worker.kill()
    redis = shop.servers.redis()
    redis.delete(QUEUE)
    redis.lpush(QUEUE, *["{}"] * LONGEST_QUEUE)
    orders = [shop.http.order(user, {product.pk: 1}).json for _ in range(20)]
    until(lambda: redis.lindex(QUEUE, 0) != b"{}")  # somebody has asked for a delivery
    until(lambda: redis.llen(QUEUE) == LONGEST_QUEUE)
    shop.worker.start()
    until(lambda: all(map(is_delivered, orders)), seconds=15)
