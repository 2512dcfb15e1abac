"""Up to when sales may be added up: no order that is still on its way may be missed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from django.db import connection

from products.factories import ProductFactory
from rankings import selectors, services, sql
from rankings.selectors import settled_at
from tests.kit.client import Client
from tests.kit.clock import MADE, REMOVED, by_that_clock, set_clock
from tests.kit.database import broken, execute, lock_waiters
from tests.kit.faults import commits_held
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer

# As it would be if nobody looked who may have put in orders.
CARELESS = "SELECT statement_timestamp() - make_interval(secs => %s)"
# What notices such orders in another way.
TRIGGER = "ALTER TABLE orders_order {} TRIGGER rankings_order_before_window_end"
LONG = timedelta(minutes=10)


@pytest.fixture(params=["as it is", "careless"])
def misses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether an order can be missed: the second run shows that the first could fail."""
    if request.param == "careless":
        monkeypatch.setattr(sql, "SETTLED_AT", CARELESS)
    return bool(request.param == "careless")


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    """In this process it is later already."""
    with broken(MADE, REMOVED), by_that_clock():
        set_clock(datetime.now(UTC) + by)
        yield


def test_settled_moment_is_under_a_minute_old_without_running_transactions(transactional_db: None) -> None:
    ((now,),) = execute("SELECT clock_timestamp()")
    assert timedelta(0) <= settled_at() + selectors.SETTLING_TIME - now < timedelta(seconds=5)


def test_order_that_commits_long_after_it_began_is_not_missed(http: Client, misses: bool) -> None:  # noqa: FBT001
    user, product = buyer(http), ProductFactory(price=1)
    with later(LONG):
        with ThreadPoolExecutor(1) as pool, commits_held(user):
            order = pool.submit(http.order, user, {product.pk: 1})
            until(lock_waiters)
            services.recompute(days=3)
        assert order.result().status == 201
        best = selectors.best_sellers(days=3, size=5).best_sellers
    assert len(best) == (0 if misses else 1)


def test_transaction_that_cannot_be_seen_may_have_begun_at_any_time(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    with plain_role():
        assert settled_at() > datetime.now(UTC) - LONG
    with ThreadPoolExecutor(1) as pool, commits_held(user):
        pool.submit(http.order, user, {product.pk: 1})
        until(lock_waiters)
        with plain_role():
            assert settled_at() < datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def plain_role() -> Iterator[None]:
    """This process asks as somebody who sees no other role's sessions."""
    execute("CREATE ROLE ranking_clerk")
    try:
        execute("SET ROLE ranking_clerk")
        yield
    finally:
        execute("RESET ROLE")
        execute("DROP ROLE ranking_clerk")


def test_orders_that_settle_while_the_sums_move_over_them_are_all_counted(
    http: Client,
    misses: bool,  # noqa: FBT001
) -> None:
    """Put in just short of a minute old, and committed when they are older."""
    user, product = buyer(http), ProductFactory(price=1)
    waits = [1 + n / 40 for n in range(40)]
    unnoticed = broken(TRIGGER.format("DISABLE"), TRIGGER.format("ENABLE")) if misses else nullcontext()
    with unnoticed, recomputing():
        at_once([lambda wait=wait: put_in(user.pk, product.pk, commit_after=wait) for wait in waits])
    best = selectors.best_sellers(days=3, size=5).best_sellers
    assert (sum(each.units for each in best) < 40) is misses


@contextmanager
def recomputing() -> Iterator[None]:
    """Somebody moves the sums up all the time."""
    ended = Event()

    def again_and_again() -> None:
        try:
            while not ended.is_set():
                services.recompute(days=3)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(again_and_again)
        try:
            yield
        finally:
            ended.set()
        work.result()


def put_in(user: int, product: int, *, commit_after: float) -> None:
    """One statement, and so one transaction: an order that is almost too old not to be noticed."""
    execute(
        "WITH made AS (INSERT INTO orders_order (user_id, subtotal, total, balance_after, ordered_at)"
        "  VALUES (%s, 1, 1, 0, clock_timestamp() - interval '59 seconds') RETURNING id),"
        " line AS (INSERT INTO orders_orderitem (order_id, product_id, product_name, unit_price, quantity)"
        "  SELECT id, %s, 'x', 1, 1 FROM made)"
        " SELECT pg_sleep(%s) FROM made",
        *(user, product, commit_after),
    )
