"""Rows that another transaction has locked, and baskets that lock the same rows in opposite orders."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest
from django.db import OperationalError, transaction

from products.factories import ProductFactory
from products.models import Product
from tests.faults.load import durations
from tests.kit.client import Answer
from tests.kit.database import execute, held
from tests.kit.invariants import broken_rules
from tests.kit.scenes import at_once, buyer
from tests.kit.shop import Shop

BUSY_SECONDS = pytest.approx(3, abs=1)
STOCK = 1000


def test_product_held_for_ten_seconds_is_busy_after_three_and_the_others_sell(shop: Shop) -> None:
    waiter, shopper = buyer(shop.http), buyer(shop.http)
    wanted, other = ProductFactory.create_batch(2, price=1, stock=100_000)
    usual = durations(shop, shopper, other.pk, seconds=2)
    with held("products_product", "id", wanted.pk), ThreadPoolExecutor(1) as pool:
        refused = pool.submit(lambda: [timed_order(shop, waiter, {wanted.pk: 1}) for _ in range(3)])
        meanwhile = durations(shop, shopper, other.pk, seconds=10)
    for seconds, answer in refused.result():
        assert (answer.status, answer.code) == (503, "busy")
        assert int(answer.headers["Retry-After"]) >= 1
        assert seconds == BUSY_SECONDS
    assert median(meanwhile) <= 3 * median(usual) + 0.05
    assert shop.http.order(waiter, {wanted.pk: 1}).status == 201


def test_baskets_in_opposite_orders_never_deadlock(shop: Shop) -> None:
    a, b = ProductFactory.create_batch(2, price=1, stock=STOCK)
    people, before = [buyer(shop.http) for _ in range(100)], deadlocks(shop)
    baskets = [{a.pk: 1, b.pk: 1}, {b.pk: 1, a.pk: 1}] * 50
    calls = [
        lambda who=who, basket=basket: shop.http.order(who, basket)
        for who, basket in zip(people, baskets, strict=True)
    ]
    assert {answer.status for answer in at_once(calls)} == {201}
    assert deadlocks(shop) == before
    assert broken_rules(stock={a.pk: STOCK, b.pk: STOCK}) == []


def test_deadlock_would_be_noticed(shop: Shop) -> None:
    a, b = ProductFactory.create_batch(2)
    before, both_hold_one = deadlocks(shop), threading.Barrier(2)

    def take(first: Product, second: Product) -> bool:
        try:
            with transaction.atomic():
                execute("UPDATE products_product SET name = name WHERE id = %s", first.pk)
                both_hold_one.wait()
                execute("UPDATE products_product SET name = name WHERE id = %s", second.pk)
        except OperationalError:
            return False
        return True

    assert sorted(at_once([lambda: take(a, b), lambda: take(b, a)])) == [False, True]
    assert deadlocks(shop) == before + 1


def timed_order(shop: Shop, user, basket: Mapping[int, int]) -> tuple[float, Answer]:
    began = time.monotonic()
    answer = shop.http.order(user, basket)
    return time.monotonic() - began, answer


def deadlocks(shop: Shop) -> int:
    """How many there ever were; the statistics view is told only later."""
    return (shop.servers.embedded.root / "postgres.log").read_text().count("deadlock detected")
