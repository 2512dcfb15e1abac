"""A rebuild beside a reader, a rewrite of history beside a rebuild, each at the moment that hurts most."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from products.factories import ProductFactory
from rankings import selectors, services, sql
from tests.kit.client import Client
from tests.kit.database import execute, lock_waiters
from tests.kit.processes import until
from tests.kit.sales import sell
from tests.kit.scenes import buyer


def beside(act: Callable[[], object]) -> None:
    """Do it over a connection of its own, and come back when it is committed."""
    with ThreadPoolExecutor(1) as other:
        other.submit(in_own_connection, act).result()


def in_own_connection(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        connection.close()


def sold_long_ago_and_now(http: Client) -> tuple[int, int]:
    """One product sold a day ago, another half as much three hours ago."""
    user, old, new = buyer(http), ProductFactory(price=1), ProductFactory(price=1)
    sell(http, user, {old.pk: 4}, age="24 hours")
    sell(http, user, {new.pk: 2}, age="3 hours")
    return old.pk, new.pk


def rewrite_history(quantity: str) -> None:
    execute(f"UPDATE orders_orderitem SET quantity = {quantity}")


def age_the_window() -> None:
    """As if the batch had last run 12 hours ago."""
    services.recompute(days=3)
    with transaction.atomic():
        execute("UPDATE rankings_saleswindow SET to_at = to_at - interval '12 hours'")
        execute("DELETE FROM rankings_productsales WHERE units = 2")


def units(ranking: selectors.Ranking) -> dict[int, int]:
    return {best.product_id: best.units for best in ranking.best_sellers}


def test_rebuilds_beside_a_reader_change_nothing_for_it(http: Client) -> None:
    old, new = sold_long_ago_and_now(http)
    read: list[dict[int, int]] = []
    with ThreadPoolExecutor(1) as other:
        rebuilding = other.submit(in_own_connection, rebuild_again_and_again)
        while not rebuilding.done():
            read.append(units(selectors.best_sellers(days=3, size=5)))
    rebuilding.result()
    assert read
    assert all(each == {old: 4, new: 2} for each in read)


def rebuild_again_and_again() -> None:
    for _ in range(20):
        age_the_window()
        services.recompute(days=3)


def test_best_sellers_are_read_in_one_statement(http: Client) -> None:
    sold_long_ago_and_now(http)
    with CaptureQueriesContext(connection) as sent:
        selectors.best_sellers(days=3, size=5)
    assert len(sent) == 1


# Held after the statement's snapshot is taken and before it reads a row: until the lock is free.
HELD = sql.BEST_SELLERS.replace(" until\n)", " until, pg_advisory_xact_lock_shared(1)\n)", 1)
VALUES = {"window": timedelta(days=3), "size": 5, "until": None}
SUMS = "SELECT product_id, units FROM rankings_productsales"
SINCE_THE_SUMS = """
    SELECT product_id, sum(quantity) FROM orders_orderitem JOIN orders_order ON orders_order.id = order_id
    WHERE ordered_at > (SELECT to_at FROM rankings_saleswindow) GROUP BY product_id"""


def read_during(act: Callable[[], object]) -> list[tuple[Any, ...]]:
    """Product, units and stock as the one statement reads them, `act` being committed while it runs."""
    with ThreadPoolExecutor(1) as other:
        execute("SELECT pg_advisory_lock(1)")
        try:
            reading = other.submit(read_held)
            until(lock_waiters)
            act()
        finally:
            execute("SELECT pg_advisory_unlock(1)")
        return [(row[2], row[3], row[7]) for row in reading.result()]


def read_held() -> list[tuple[Any, ...]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(HELD, VALUES)
            return cursor.fetchall()
    finally:
        connection.close()


def test_order_during_the_statement_is_in_neither_units_nor_stock(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=10)
    sell(http, user, {product.pk: 4})
    assert read_during(lambda: sell(http, user, {product.pk: 1})) == [(product.pk, 4, 6)]


def test_order_between_two_statements_would_be_in_the_stock_and_not_in_the_units(http: Client) -> None:
    """The control of the one before: ranks first, then the products."""
    user, product = buyer(http), ProductFactory(price=1, stock=10)
    sell(http, user, {product.pk: 4})
    counted = units(selectors.best_sellers(days=3, size=5))
    sell(http, user, {product.pk: 1})
    assert (counted, execute("SELECT stock FROM products_product")) == ({product.pk: 4}, [(5,)])


def test_rebuild_during_the_statement_changes_nothing_for_it(http: Client) -> None:
    old, new = sold_long_ago_and_now(http)
    age_the_window()
    read = read_during(lambda: services.recompute(days=3))
    assert [row[:2] for row in read] == [(old, 4), (new, 2)]


def test_rebuild_between_two_statements_would_lose_sales(http: Client) -> None:
    """The control of the one before: the stored sums first, then what was sold since."""
    old, new = sold_long_ago_and_now(http)
    age_the_window()
    assert execute(SUMS) + execute(SINCE_THE_SUMS) == [(old, 4), (new, 2)]
    sums = execute(SUMS)
    services.recompute(days=3)
    assert sums + execute(SINCE_THE_SUMS) == [(old, 4)]


@contextmanager
def disturbed(*, times: int) -> Iterator[list[str]]:
    """History is rewritten so many times, each time just before a rebuild puts its sums in place."""
    acted: list[str] = []

    def disturb(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if len(acted) < times and "rankings_saleswindow" in sql and "FOR NO KEY UPDATE" in sql:
            acted.append(sql)
            beside(lambda: rewrite_history("quantity * 5"))
        return run(sql, *rest)

    with connection.execute_wrapper(disturb):
        yield acted


def test_history_rewritten_during_a_rebuild_is_added_up_again(http: Client) -> None:
    old, new = sold_long_ago_and_now(http)
    with disturbed(times=1) as acted:
        services.recompute(days=3)
    assert acted
    assert execute("SELECT product_id, units FROM rankings_productsales ORDER BY 1") == [(old, 20), (new, 10)]
    assert units(selectors.best_sellers(days=3, size=5)) == {old: 20, new: 10}


def test_rebuild_gives_up_on_a_history_that_keeps_changing(http: Client) -> None:
    sold_long_ago_and_now(http)
    with disturbed(times=1000), pytest.raises(services.HistoryKeepsChanging):
        services.recompute(days=3)
    assert execute("SELECT count(*) FROM rankings_productsales") == [(0,)]
