"""Sales by hour: what is stored changes the cost of the first page, never its figures."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db.transactions import database_now
from core.timestamps import SEOUL
from orders.selectors import SalesTotal
from products.factories import ProductFactory
from rankings import hours, sql, tasks
from rankings.audit import hours_that_differ
from rankings.hours import DAY, HOUR, KEPT, fill_hours, sales_overview, sales_since
from rankings.models import HourlySales
from tests.kit.client import Client
from tests.kit.clock import MADE, REMOVED, by_that_clock, set_clock
from tests.kit.database import broken, execute, lock_waiters
from tests.kit.faults import commits_held
from tests.kit.processes import until
from tests.kit.scenes import buyer
from users.factories import UserFactory

# A Saturday, twenty past two in the afternoon in Seoul, and in the future: no order comes late.
NOW = datetime(2031, 2, 1, 14, 20, tzinfo=SEOUL)
# As it would be if nobody looked who may have put in orders.
CARELESS = "SELECT statement_timestamp() - make_interval(secs => %s)"


@pytest.fixture
def clock(transactional_db: None) -> Iterator[None]:
    """The database's clock stands at NOW, until it is set."""
    with broken(MADE, REMOVED), by_that_clock():
        set_clock(NOW)
        yield


def put_in(*, user: int, at: datetime, total: int) -> int:
    ((pk,),) = execute(
        "INSERT INTO orders_order (user_id, subtotal, total, balance_after, ordered_at)"
        " VALUES (%s, %s, %s, 0, %s) RETURNING id",
        *(user, total, total, at),
    )
    return int(pk)


def a_month_of_sales() -> list[int]:
    """An order of n won n hours and some minutes before now, for some n."""
    user = UserFactory().pk
    return [
        put_in(user=user, at=NOW - n * HOUR - timedelta(minutes=19), total=n) for n in (0, 1, 14, 24, 25, 700)
    ]


def shown() -> tuple[dict[datetime, SalesTotal], dict[int, SalesTotal]]:
    overview = sales_overview()
    return overview.hours, overview.running


def test_figures_are_the_same_before_and_after_hours_are_stored(clock: None) -> None:
    a_month_of_sales()
    before = shown()
    assert fill_hours() == KEPT // HOUR
    assert shown() == before
    assert sum(total.orders for total in before[0].values()) == 6
    assert fill_hours() == 0
    assert [*hours_that_differ()] == []


def test_stored_hours_are_what_is_read(clock: None) -> None:
    """Without this the test above could not tell a read model from none."""
    fill_hours()
    HourlySales.objects.filter(starts_at=NOW.replace(minute=0) - DAY).update(orders=7, paid=70)
    assert sales_overview().hours[NOW.replace(minute=0) - DAY] == SalesTotal(7, 70)


def test_hours_stored_with_a_gap_are_added_up_from_there(clock: None) -> None:
    a_month_of_sales()
    before = shown()
    fill_hours()
    HourlySales.objects.filter(starts_at__gt=NOW - 30 * HOUR, starts_at__lt=NOW - 20 * HOUR).delete()
    assert shown() == before
    assert fill_hours() == 10


def test_today_and_the_days_before_are_compared_up_to_the_same_time(clock: None) -> None:
    user = UserFactory().pk
    for ago in (0, 1, 7, 30):
        put_in(user=user, at=NOW - ago * DAY, total=100)
        put_in(user=user, at=NOW - ago * DAY - NOW.hour * HOUR, total=10)
        put_in(user=user, at=NOW - ago * DAY + timedelta(minutes=1), total=1)
    set_clock(NOW)
    overview = sales_overview()
    assert [overview.total(days=1, ago=ago) for ago in (0, 1, 7, 30)] == [SalesTotal(2, 110)] * 4
    assert [*overview.days.values()][-2] == SalesTotal(3, 111)


def test_days_begin_at_midnight_in_seoul(clock: None) -> None:
    user, midnight = UserFactory().pk, NOW.replace(hour=0, minute=0)
    put_in(user=user, at=midnight, total=1)
    put_in(user=user, at=midnight - timedelta.resolution, total=10)
    days = sales_overview().days
    assert len(days) == 60
    assert [total.paid for total in days.values()][-2:] == [10, 1]
    assert [*days][-1] == midnight


def test_average_is_none_without_orders() -> None:
    assert (SalesTotal().average, SalesTotal(2, 5).average) == (None, 3)


REWRITES = (
    "DELETE FROM orders_order WHERE total = 25",
    "UPDATE orders_order SET subtotal = 90, total = 90 WHERE total = 25",
    "UPDATE orders_order SET ordered_at = ordered_at - interval '9 days' WHERE total = 25",
    "TRUNCATE orders_order CASCADE",
)


@pytest.mark.parametrize("rewrite", REWRITES)
def test_history_rewritten_by_sql_ends_the_stored_hours(clock: None, rewrite: str) -> None:
    a_month_of_sales()
    fill_hours()
    execute(rewrite)
    assert not hours.stored().exists()
    rewritten = shown()
    assert fill_hours() == KEPT // HOUR
    assert shown() == rewritten
    assert [*hours_that_differ()] == []


def test_order_that_comes_late_ends_the_stored_hours(transactional_db: None) -> None:
    fill_hours()
    put_in(user=UserFactory().pk, at=database_now() - 2 * HOUR, total=1)
    assert not hours.stored().exists()


def test_history_rewritten_unnoticed_is_found_by_the_audit(clock: None) -> None:
    a_month_of_sales()
    fill_hours()
    execute(f"SET session_replication_role = replica; {REWRITES[0]}; RESET session_replication_role")
    (found,) = hours_that_differ()
    assert found.startswith("hour 2031-01-31 04:00 UTC: stored SalesTotal(orders=1, paid=25), recount ")
    fill_hours(from_scratch=True)
    assert [*hours_that_differ()] == []


def test_history_rewritten_while_hours_are_counted_ends_them(
    clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_month_of_sales()
    settled_at = hours.settled_at

    def rewrite() -> datetime:
        execute(REWRITES[0])
        return settled_at()

    monkeypatch.setattr(hours, "settled_at", rewrite)
    fill_hours()
    assert not hours.stored().exists()


def test_hours_of_a_clock_that_was_ahead_are_forgotten(clock: None) -> None:
    set_clock(NOW + 5 * HOUR)
    fill_hours()
    set_clock(NOW)
    fill_hours()
    put_in(user=UserFactory().pk, at=NOW + timedelta(minutes=1), total=3)
    set_clock(NOW + 2 * HOUR)
    assert sales_since(NOW.replace(minute=0), now=NOW + 2 * HOUR)[NOW.replace(minute=0)] == SalesTotal(1, 3)
    fill_hours()
    assert [*hours_that_differ()] == []


def test_hours_too_old_to_be_shown_are_forgotten(clock: None) -> None:
    fill_hours()
    set_clock(NOW + 3 * DAY)
    assert fill_hours() == 72
    assert HourlySales.objects.count() == KEPT // HOUR


@pytest.mark.parametrize("careless", [False, True])
def test_hour_with_an_order_on_its_way_is_not_stored(
    http: Client,
    monkeypatch: pytest.MonkeyPatch,
    careless: bool,  # noqa: FBT001
) -> None:
    """The second run shows that the first could fail."""
    if careless:
        monkeypatch.setattr(sql, "SETTLED_AT", CARELESS)
    user, product = buyer(http), ProductFactory(price=1)
    hour = database_now().astimezone(SEOUL).replace(minute=0, second=0, microsecond=0)
    with broken(MADE, REMOVED), by_that_clock():
        with ThreadPoolExecutor(1) as pool, commits_held(user):
            order = pool.submit(http.order, user, {product.pk: 1})
            until(lock_waiters)
            set_clock(hour + 3 * HOUR)
            fill_hours()
        assert order.result().status == 201
        counted = sum(total.orders for total in sales_since(hour, now=hour + 3 * HOUR).values())
    assert counted == (0 if careless else 1)


def test_tasks_store_what_is_missing_and_recount_all(clock: None) -> None:
    tasks.fill_hours()
    HourlySales.objects.update(orders=5)
    tasks.fill_hours()
    assert HourlySales.objects.filter(orders=5).count() == KEPT // HOUR
    tasks.recount_hours()
    assert not HourlySales.objects.filter(orders=5).exists()


def test_first_page_sends_the_same_number_of_statements_for_any_number_of_rows(clock: None) -> None:
    def sent() -> int:
        with CaptureQueriesContext(connection) as queries:
            sales_overview()
        return len(queries)

    a_month_of_sales()
    before = sent()
    fill_hours()
    assert (sent(), before) == (6, 6)
