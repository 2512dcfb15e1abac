"""An export of some days of a long history reads the rows of those days, and not all before them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.exports import Export, make_file
from benchmarks.history import History, fill
from orders.exports import EVENTS, ORDER_LINES, ORDERS
from orders.models import Order, OrderEvent
from tests.kit.database import empty_tables
from tests.kit.plans import Run, explained, looked_at, steps

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def history(django_db_setup, django_db_blocker) -> Iterator[None]:
    """As many orders as make a difference, most of them after the days that are asked for."""
    with django_db_blocker.unblock():
        fill(
            History(orders=20_000, users=500, products=200, days=90, until=timezone.now(), recent_share=0.03)
        )
    yield
    with django_db_blocker.unblock():
        empty_tables()


def of_a_week(rows: Any, field: str) -> Any:
    since = timezone.now() - timedelta(days=30)
    return rows.filter(**{f"{field}__gte": since, f"{field}__lt": since + timedelta(days=7)})


FOUND = {
    "orders": (ORDERS, Order, "ordered_at"),
    "lines": (ORDER_LINES, Order, "ordered_at"),
    "events": (EVENTS, OrderEvent, "order__ordered_at"),
}


def orders_looked_at(export: Export, found: Any) -> tuple[float, int]:
    """How many rows of orders the cursor of an export looks at, and how many rows the file has.

    In a thread, whose connection is in no transaction of the test's.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_orders_looked_at, export, found).result()


def _orders_looked_at(export: Export, found: Any) -> tuple[float, int]:
    plans: list[Run] = []

    def look(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's
        if getattr(context["cursor"].cursor, "name", None):
            plan = explained(f"DECLARE seen NO SCROLL CURSOR FOR {statement}", params)
            plans.append(Run(statement, [*steps(plan)]))
        return execute(statement, params, many, context)

    rows = export.rows(found).order_by(*export.ordering)
    try:
        with connection.execute_wrapper(look):
            file = make_file(columns=export.columns(), rows=rows, is_xlsx=False)
    finally:
        connection.close()
    file.content.close()
    (run,) = plans
    return sum(looked_at(scan) for scan in run.of("orders_order")), file.rows


@pytest.mark.parametrize("name", FOUND)
def test_export_of_a_week_reads_the_orders_of_that_week_alone(name: str) -> None:
    export, model, field = FOUND[name]
    looked, rows = orders_looked_at(export, of_a_week(model.objects.all(), field))
    week = of_a_week(Order.objects.all(), "ordered_at").count()
    assert rows >= week > 0
    assert looked <= week


def test_cursor_planned_for_its_first_rows_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "PLAN_CURSORS_FOR_ALL_ROWS", "SET LOCAL cursor_tuple_fraction = 0.001")
    looked, rows = orders_looked_at(ORDERS, of_a_week(Order.objects.all(), "ordered_at"))
    assert looked > rows
