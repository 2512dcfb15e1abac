"""An export or a list of some days of a long history reads the rows of those days, and not all before."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.utils import timezone

from backoffice import base
from backoffice.exports import LOG
from backoffice.spreadsheets import sql
from backoffice.spreadsheets.exports import Export, make_file
from benchmarks.history import History, fill
from coupons.exports import ISSUED_COUPONS
from coupons.models import IssuedCoupon
from orders.exports import EVENTS, ORDER_LINES, ORDERS
from orders.models import Order, OrderEvent
from points.exports import BALANCES, LEDGER
from points.models import PointAccount, PointTransaction
from tests.kit import database
from tests.kit.database import empty_tables, execute
from tests.kit.plans import Run, explained, looked_at, runs, steps

pytestmark = [pytest.mark.django_db, pytest.mark.long]

LOGGED = """
WITH account AS (
    INSERT INTO auth_user
        (username, password, first_name, last_name, email, is_superuser, is_staff, is_active, date_joined)
    VALUES ('busy', '', '', '', '', false, true, true, now()) RETURNING id
)
INSERT INTO django_admin_log
    (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
SELECT now() - (20000 - n) * interval '90 days' / 20000, account.id,
       (SELECT id FROM django_content_type WHERE app_label = 'products' AND model = 'product'),
       n % 200, 'Latte ' || n, 2, '[]'
FROM account, generate_series(1, 20000) n ORDER BY n
"""


@pytest.fixture(scope="module", autouse=True)
def history(django_db_setup, django_db_blocker) -> Iterator[None]:
    """As many rows as make a difference, most of them after the days that are asked for."""
    with django_db_blocker.unblock():
        with pytest.MonkeyPatch.context() as patch:
            # New files: rows that fill the gaps of deleted ones do not lie in the order of their days.
            patch.setattr(database, "LARGE_BYTES", 0)
            empty_tables()
        fill(
            History(orders=20_000, users=500, products=200, days=90, until=timezone.now(), recent_share=0.03)
        )
        execute(LOGGED)
        execute("VACUUM (ANALYZE) django_admin_log")
    yield
    with django_db_blocker.unblock():
        empty_tables()


def of_a_week(rows: Any, field: str) -> Any:
    since = timezone.now() - timedelta(days=30)
    return rows.filter(**{f"{field}__gte": since, f"{field}__lt": since + timedelta(days=7)})


# What is exported, of which rows, by which moment; and the table that has the moment.
FOUND = {
    "orders": (ORDERS, Order, "ordered_at", Order),
    "lines": (ORDER_LINES, Order, "ordered_at", Order),
    "events": (EVENTS, OrderEvent, "order__ordered_at", Order),
    "ledger": (LEDGER, PointTransaction, "created_at", PointTransaction),
    "issued coupons": (ISSUED_COUPONS, IssuedCoupon, "issued_at", IssuedCoupon),
    "log": (LOG, LogEntry, "action_time", LogEntry),
}
# The blocks of such an index are read as a whole: those that the first and the last row lie in, too.
BLOCKS = {"ledger": 2 * 16, "issued coupons": 2 * 16}


def rows_beside(name: str) -> float:
    """How many rows may lie beside those of a week in the blocks that are read for them."""
    table = FOUND[name][3]._meta.db_table
    ((rows_a_block,),) = execute("SELECT reltuples / relpages FROM pg_class WHERE oid = %s::regclass", table)
    return BLOCKS.get(name, 0) * rows_a_block


def rows_looked_at(export: Export, found: Any, table: str) -> tuple[float, int]:
    """How many rows of the table the cursor of an export looks at, and how many rows the file has.

    In a thread, whose connection is in no transaction of the test's.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_rows_looked_at, export, found, table).result()


def _rows_looked_at(export: Export, found: Any, table: str) -> tuple[float, int]:
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
    return sum(looked_at(scan) for scan in run.of(table)), file.rows


@pytest.mark.parametrize("name", FOUND)
def test_export_of_a_week_reads_the_rows_of_that_week_alone(name: str) -> None:
    export, model, field, dated = FOUND[name]
    table = dated._meta.db_table
    looked, rows = rows_looked_at(export, of_a_week(model.objects.all(), field), table)
    week = of_a_week(dated.objects.all(), field.removeprefix("order__")).count()
    assert rows >= week > 0
    assert looked <= week + rows_beside(name) < dated.objects.count()


def test_export_of_balances_reads_each_account_and_each_member_once() -> None:
    for table in ("points_pointaccount", "users_user"):
        looked, rows = rows_looked_at(BALANCES, PointAccount.objects.all(), table)
        assert looked == rows > 0


def test_cursor_planned_for_its_first_rows_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "PLAN_CURSORS_FOR_ALL_ROWS", "SET LOCAL cursor_tuple_fraction = 0.001")
    looked, rows = rows_looked_at(ORDERS, of_a_week(Order.objects.all(), "ordered_at"), "orders_order")
    assert looked > rows


@dataclass(frozen=True)
class Looked:
    """The list of a week: how many rows it has, and how many of their table its statements look at."""

    week: int
    to_count: float
    for_page: float


def list_of_a_week(browser: Client, name: str, **chosen: str) -> Looked:
    _export, model, field, dated = FOUND[name]
    since = timezone.localdate() - timedelta(days=30)
    days = {f"{field}_from": f"{since}", f"{field}_to": f"{since + timedelta(days=6)}"}
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    found: Any = []
    sent = runs(lambda: found.append(browser.get(address, days | chosen)))
    (count,) = [run for run in sent if "COUNT(" in run.sql]
    (page,) = [run for run in sent if run.sql.endswith("LIMIT 50") and "ORDER BY" in run.sql]
    table = dated._meta.db_table
    to_count, for_page = (sum(map(looked_at, run.of(table))) for run in (count, page))
    return Looked(found[0].context["cl"].result_count, to_count, for_page)


LISTS = [name for name in FOUND if name != "lines"]


@pytest.mark.parametrize("name", LISTS)
def test_list_of_a_week_reads_the_rows_of_that_week_alone(admin_client: Client, name: str) -> None:
    looked = list_of_a_week(admin_client, name)
    assert looked.week > 0
    assert looked.to_count <= looked.week + rows_beside(name)
    assert looked.for_page <= looked.week + rows_beside(name)


def test_list_of_a_week_from_its_first_row_reads_the_rows_of_that_week_alone(admin_client: Client) -> None:
    looked = list_of_a_week(admin_client, "orders", o="1")
    assert looked.for_page <= looked.week


def test_list_of_a_week_by_id_alone_would_be_noticed(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "is_of_past_days", lambda _spec: False)
    looked = list_of_a_week(admin_client, "orders")
    assert looked.for_page > looked.week


INDEXES = {
    "ledger": "ledger_by_day",
    "issued coupons": "issued_coupon_by_day",
    "log": "action_log_newest_first, action_log_by_account, action_log_by_kind, action_log_by_row",
}


@pytest.mark.parametrize("name", INDEXES)
def test_list_of_a_week_without_the_index_of_its_days_is_noticed(admin_client: Client, name: str) -> None:
    execute(f"DROP INDEX {INDEXES[name]}")
    looked = list_of_a_week(admin_client, name)
    assert looked.to_count > looked.week + rows_beside(name)
