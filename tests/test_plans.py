"""Every query on a hot path finds its rows by an index.

The tables hold a real history with fresh statistics, and the planner is left alone: forbidden to scan a table
from end to end, it would walk through the whole of an unfit index instead. Each statement is run once more by
EXPLAIN ANALYZE, and what counts is how many rows it looked at, by whatever kind of scan.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.history import History, fill
from coupons.factories import CouponFactory
from coupons.selectors import burning_down
from orders.models import OrderEvent
from orders.selectors import sales_by_hour, undelivered
from tests.database import TABLES, execute

BIG = {*TABLES} - {"coupons_coupon"}
# A hundred orders of five lines, the longest page there is.
FEW = 500
REMOVED = ("Rows Removed by Filter", "Rows Removed by Index Recheck")

Call = Callable[[], Any]


# The mark is what makes pytest-django ask the test database and no other.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def history(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A shop with as many rows as make a difference."""
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        fill(
            History(
                orders=20_000, users=5_000, products=2_000, days=90, until=timezone.now(), recent_share=0.03
            )
        )
    yield
    with django_db_blocker.unblock():
        execute(f"TRUNCATE {', '.join(TABLES)}, rankings_saleswindow, rankings_productsales")


@pytest.fixture
def customer() -> int:
    """The member with most orders, at whom a missing index tells most."""
    ((user_id,),) = execute("SELECT user_id FROM orders_order GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    return user_id


@pytest.fixture
def wares() -> list[int]:
    """Products that are there, cheap enough to be bought with any balance."""
    return [
        pk for (pk,) in execute("SELECT id FROM products_product WHERE stock > 10 ORDER BY price, id LIMIT 2")
    ]


def ask(method: str, path: str, user: int | None = None, body: Any = None, **headers: str) -> HttpResponse:
    """The answer of an endpoint, which must not be a refusal."""
    given = headers if user is None else {"X-User-Id": str(user), **headers}
    data = b"" if body is None else json.dumps(body)
    answer = Client().generic(
        method,
        urljoin("http://testserver/api/v1/", path),
        data,
        content_type="application/json",
        headers=given,
    )
    assert answer.status_code in {200, 201}, answer.content
    return answer


def statements(call: Call) -> list[str]:
    """The SQL that a call sends, without what opens and ends transactions or inserts what it was given."""
    with CaptureQueriesContext(connection) as queries:
        call()
    return [sql for query in queries if (sql := query["sql"]).startswith(("SELECT", "UPDATE", "DELETE"))]


def wide_reads(sql: str) -> list[str]:
    """The scans of one statement that look at more than FEW rows of a big table, or at the whole of it."""
    with transaction.atomic():
        ((plan,),) = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        transaction.set_rollback(True)
    tops = json.loads(plan) if isinstance(plan, str) else plan
    return [
        f"{node['Node Type']} of {node['Relation Name']}, {looked_at(node):.0f} rows: {sql}"
        for node in nodes(tops[0]["Plan"])
        if node.get("Relation Name") in BIG and (node["Node Type"] == "Seq Scan" or looked_at(node) > FEW)
    ]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def looked_at(node: dict[str, Any]) -> float:
    """How many rows a scan fetched, those included that it then threw away."""
    return float(node["Actual Loops"]) * sum(node.get(rows, 0) for rows in ("Actual Rows", *REMOVED))


def assert_narrow(call: Call) -> None:
    sent = statements(call)
    assert sent
    assert [wide for sql in sent for wide in wide_reads(sql)] == []


@pytest.mark.parametrize(
    "path",
    [
        *("products", "points", "points/transactions", "points/transactions?page_size=100"),
        *("coupons", "issued-coupons", "issued-coupons?status=usable", "issued-coupons?status=used"),
        *("issued-coupons?status=expired", "orders", "orders?page_size=100", "/readyz", "/metrics"),
    ],
)
def test_what_is_read_is_found_by_an_index(path: str, customer: int) -> None:
    assert_narrow(lambda: ask("GET", path, customer))


@pytest.mark.django_db(transaction=True)  # its snapshot is a transaction of its own
def test_the_best_sellers_are_found_by_an_index() -> None:
    assert_narrow(lambda: ask("GET", "rankings/products"))


@pytest.mark.parametrize("path", ["products", "points/transactions", "issued-coupons", "orders"])
def test_the_pages_after_and_before_are_found_by_an_index(path: str, customer: int) -> None:
    first = ask("GET", f"{path}?page_size=3", customer).json()
    second = ask("GET", first["next"], customer).json()
    assert_narrow(lambda: ask("GET", second["next"], customer))
    assert_narrow(lambda: ask("GET", second["previous"], customer))


@pytest.mark.parametrize("path", ["products", "coupons", "issued-coupons", "orders"])
def test_one_row_is_found_by_an_index(path: str, customer: int) -> None:
    newest = ask("GET", path, customer).json()["results"][0]
    assert_narrow(lambda: ask("GET", f"{path}/{newest['id']}", customer))


def test_a_charge_and_its_replay_find_their_rows_by_an_index(customer: int) -> None:
    key = {"Idempotency-Key": "charge"}
    for _ in range(2):
        assert_narrow(lambda: ask("POST", "points/charges", customer, {"amount": 10}, **key))


def test_an_issue_finds_its_rows_by_an_index(customer: int) -> None:
    campaign = CouponFactory()
    assert_narrow(lambda: ask("POST", f"coupons/{campaign.pk}/issue", customer))


def test_an_order_its_quote_and_its_replay_find_their_rows_by_an_index(
    customer: int, wares: list[int]
) -> None:
    ask("POST", "points/charges", customer, {"amount": 100_000})
    body = {"items": [{"product_id": pk, "quantity": 1} for pk in wares]}
    if held := ask("GET", "issued-coupons?status=usable", customer).json()["results"]:
        body["issued_coupon_id"] = held[0]["id"]
    assert_narrow(lambda: ask("POST", "orders/quote", customer, body))
    key = {"Idempotency-Key": "order"}
    for _ in range(2):
        assert_narrow(lambda: ask("POST", "orders", customer, body, **key))


def test_sending_events_finds_them_by_an_index() -> None:
    def turn() -> None:
        with transaction.atomic():
            taken, failed, *_ = ids = OrderEvent.objects.lease(limit=4, duration=timedelta(seconds=15))
        assert len(OrderEvent.objects.with_order(ids)) == 4
        OrderEvent.objects.mark_delivered(event_ids=[taken])
        OrderEvent.objects.mark_failed(event_id=failed, error="no", wait=None)

    assert_narrow(turn)


def test_the_admin_s_first_page_finds_events_and_coupons_by_an_index() -> None:
    assert_narrow(lambda: (undelivered(most=10_001), burning_down(limit=8)))


def test_the_admin_s_first_page_reads_the_orders_of_its_hours_and_no_others() -> None:
    hours = sales_by_hour(hours=72)
    (sql,) = [each for each in statements(lambda: sales_by_hour(hours=72)) if "GROUP BY" in each]
    ((plan,),) = execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "orders_order"]
    assert [node["Node Type"] for node in scans] != ["Seq Scan"]
    assert sum(looked_at(node) for node in scans) == sum(hour.orders for hour in hours) > FEW


@contextmanager
def without(statement: str) -> Iterator[None]:
    """The schema broken until the block ends, as a forgotten migration would leave it."""
    with transaction.atomic():
        execute(statement)
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("statement", "path", "scan"),
    [
        ("DROP INDEX issued_coupon_newest_first", "issued-coupons", "Seq Scan of coupons_issuedcoupon"),
        ("DROP INDEX order_newest_first", "orders", "of orders_order"),
        (
            "ALTER TABLE orders_orderitem DROP CONSTRAINT order_item_product_once",
            "orders",
            "Seq Scan of orders_orderitem",
        ),
        ("DROP INDEX event_pending_by_turn", "/metrics", "Seq Scan of orders_orderevent"),
    ],
)
def test_an_index_that_is_missing_is_noticed(statement: str, path: str, scan: str, customer: int) -> None:
    sent = statements(lambda: ask("GET", path, customer))
    with without(statement):
        assert scan in str([wide_reads(sql) for sql in sent])
