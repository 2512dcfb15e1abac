"""Every query on a hot path finds its rows by an index.

The tables hold a real history with fresh statistics, and the planner is left alone: forbidden to scan a table
from end to end, it would walk through the whole of an unfit index instead. What counts is how many rows a
statement looked at, by whatever kind of scan.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urljoin

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from backoffice.sections import sections_of
from benchmarks.history import History, fill
from coupons import selectors as campaigns
from coupons.factories import CouponFactory
from orders.models import OrderEvent
from orders.outbox.delivery import LEASE
from orders.outbox.events import claim, mark_delivered, mark_failed
from orders.selectors import dead_by_error, outbox_status, spending_of, waiting_events
from products.models import Product
from rankings.hours import sales_overview
from rankings.models import HourlySales
from tests.kit.database import empty_tables, execute
from tests.kit.plans import FEW, assert_narrow, looked_at, runs, wide_reads
from users.models import User

# The mark is what makes pytest-django ask the test database and no other.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def history(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A shop with as many rows as make a difference."""
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_")
        make_history()
    yield
    with django_db_blocker.unblock():
        empty_tables()


def make_history() -> None:
    fill(
        History(orders=20_000, users=5_000, products=2_000, days=90, until=timezone.now(), recent_share=0.03)
    )


@pytest.fixture
def committed(transactional_db: None) -> None:
    """The same for what commits, after which everything is emptied."""
    if not execute("SELECT 1 FROM orders_order LIMIT 1"):
        make_history()


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


def ask(
    method: str, path: str, user: int | None = None, body: Any = None, *, code: str = "", **headers: str
) -> HttpResponse:
    """The answer of an endpoint: a success, or the refusal of this code."""
    given = headers if user is None else {"X-User-Id": str(user), **headers}
    data = b"" if body is None else json.dumps(body)
    url = urljoin("http://testserver/api/v1/", path)
    answer = Client().generic(method, url, data, content_type="application/json", headers=given)
    assert answer.json()["code"] == code if code else answer.status_code in {200, 201}, answer.content
    return answer


@pytest.mark.parametrize(
    "path",
    [
        *("products", "points", "points/transactions", "points/transactions?page_size=100"),
        *("coupons", "issued-coupons", "issued-coupons?status=usable", "issued-coupons?status=used"),
        *("issued-coupons?status=expired", "orders", "orders?page_size=100", "/readyz", "/metrics"),
    ],
)
def test_reads_are_found_by_an_index(path: str, customer: int) -> None:
    assert_narrow(lambda: ask("GET", path, customer))


def test_best_sellers_read_the_lines_of_their_edges_and_no_others() -> None:
    assert_narrow(lambda: ask("GET", "rankings/products"))
    execute("UPDATE rankings_saleswindow SET to_at = to_at - interval '20 hours'")
    ((lines,),) = execute(
        "SELECT count(*) FROM orders_orderitem JOIN orders_order o ON o.id = order_id, rankings_saleswindow"
        " WHERE ordered_at > to_at OR ordered_at > from_at AND ordered_at <= now() - interval '72 hours'"
    )
    sent = runs(lambda: ask("GET", "rankings/products"))
    assert sum(looked_at(scan) for run in sent for scan in run.of("orders_orderitem")) == lines > FEW / 5


@pytest.mark.parametrize("path", ["products", "points/transactions", "issued-coupons", "orders"])
def test_pages_after_and_before_are_found_by_an_index(path: str, customer: int) -> None:
    first = ask("GET", f"{path}?page_size=3", customer).json()
    second = ask("GET", first["next"], customer).json()
    assert_narrow(lambda: ask("GET", second["next"], customer))
    assert_narrow(lambda: ask("GET", second["previous"], customer))


@pytest.mark.parametrize("path", ["products", "coupons", "issued-coupons", "orders"])
def test_row_by_id_is_found_by_an_index(path: str, customer: int) -> None:
    newest = ask("GET", path, customer).json()["results"][0]
    assert_narrow(lambda: ask("GET", f"{path}/{newest['id']}", customer))


def test_charge_and_its_replay_find_their_rows_by_an_index(committed: None, customer: int) -> None:
    key = {"Idempotency-Key": "charge"}
    for _ in range(2):
        assert_narrow(lambda: ask("POST", "points/charges", customer, {"amount": 10}, **key))


def test_issue_and_its_refusals_find_their_rows_by_an_index(customer: int) -> None:
    campaign, none_left = CouponFactory(), CouponFactory(quantity=0)
    issue, again = f"coupons/{campaign.pk}/issue", "coupon_already_issued"
    assert_narrow(lambda: ask("POST", issue, customer))
    assert_narrow(lambda: ask("POST", issue, customer, code=again))
    assert_narrow(lambda: ask("POST", f"coupons/{none_left.pk}/issue", customer, code="coupon_sold_out"))


def test_order_its_quote_and_its_replay_find_their_rows_by_an_index(
    committed: None, customer: int, wares: list[int]
) -> None:
    ask("POST", "points/charges", customer, {"amount": 100_000})
    body = {"items": [{"product_id": pk, "quantity": 1} for pk in wares]}
    if held := ask("GET", "issued-coupons?status=usable", customer).json()["results"]:
        body["issued_coupon_id"] = held[0]["id"]
    assert_narrow(lambda: ask("POST", "orders/quote", customer, body))
    key = {"Idempotency-Key": "order"}
    for _ in range(2):
        assert_narrow(lambda: ask("POST", "orders", customer, body, **key))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"items": [{"product_id": 1, "quantity": 1_000_000}]}, "out_of_stock"),
        ({"items": [{"product_id": 9_999_999, "quantity": 1}]}, "product_not_found"),
        ({"items": [{"product_id": 1, "quantity": 1}], "issued_coupon_id": 9_999_999}, "coupon_not_found"),
        ({"items": [{"product_id": 1, "quantity": 1}], "expected_total": 0}, "price_changed"),
        ({"items": [{"product_id": 1, "quantity": 50}]}, "insufficient_points"),
    ],
)
def test_order_that_is_refused_finds_its_rows_by_an_index(customer: int, wanted: Any, code: str) -> None:
    execute("UPDATE products_product SET stock = 100, price = 1000000 WHERE id = 1")
    for path in ("orders", "orders/quote"):
        assert_narrow(lambda path=path: ask("POST", path, customer, wanted, code=code))


def test_sending_events_finds_them_by_an_index() -> None:
    def turn() -> None:
        with transaction.atomic():
            taken, failed, _, _ = claim(limit=4, lease=LEASE)
        mark_delivered(event_ids=[taken.id])
        mark_failed(event=failed, error="no", wait=None)

    assert_narrow(turn)


def test_admin_s_first_page_finds_events_and_coupons_by_an_index() -> None:
    assert_narrow(lambda: (outbox_status(max_count=10_001), waiting_events(max_count=10_001)))
    assert_narrow(lambda: campaigns.issue_forecasts(limit=8))
    assert_narrow(lambda: (list(campaigns.opening_soon(limit=4)), list(campaigns.just_finished(limit=4))))


def test_member_s_page_finds_the_newest_rows_of_each_table_by_an_index(customer: int) -> None:
    member, sections = User.objects.get(pk=customer), sections_of("users_user")
    assert len(sections) == 4
    for section in sections:
        assert_narrow(partial(section.read, member))


def test_product_s_page_finds_its_sales_and_its_changes_by_an_index() -> None:
    product = Product.objects.order_by("-units_sold").first()
    for section in sections_of("products_product"):
        assert_narrow(partial(section.read, product))


def test_spending_of_a_member_reads_their_newest_orders_up_to_the_bound(customer: int) -> None:
    ((count,),) = execute("SELECT count(*) FROM orders_order WHERE user_id = %s", customer)
    assert count > 10
    (run,) = runs(lambda: spending_of(user_id=customer, max_orders=10))
    (scan,) = run.of("orders_order")
    assert (scan["Index Name"], looked_at(scan)) == ("order_newest_first", 10)


def test_campaign_s_page_reads_no_more_than_the_first_issued_coupons() -> None:
    ((campaign,),) = execute(
        "SELECT coupon_id FROM coupons_issuedcoupon GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    )
    assert_narrow(lambda: campaigns.issue_forecast(coupon_id=campaign))
    (run,) = runs(lambda: campaigns.used_share(coupon_id=campaign))
    (scan,) = run.of("coupons_issuedcoupon")
    assert scan["Node Type"] != "Seq Scan"
    assert looked_at(scan) == campaigns.used_share(coupon_id=campaign).counted <= campaigns.USED_SAMPLE_SIZE


# Whoever looks for a product by a part of its name reads all of them: a shop has some hundreds.
SHORT = "products_product"
WORDS = ["7,123", "#7123", "김", "customer-17", "checkout-2f61", "0193b1c2-7f60-7c54-9d4b-6f0a2f1c9e11"]


@pytest.mark.parametrize("words", WORDS)
def test_search_box_finds_rows_by_an_index(admin_client: Client, words: str) -> None:
    reads = wide_reads(lambda: admin_client.get("/admin/search/", {"s": words}))
    assert [read for read in reads if SHORT not in read] == []


def test_search_box_without_the_index_of_request_ids_is_noticed(admin_client: Client) -> None:
    with without("DROP INDEX event_by_request_id"):
        found = wide_reads(lambda: admin_client.get("/admin/search/", {"s": "checkout-2f61"}))
    assert "Seq Scan of orders_orderevent" in str(found)


def test_dead_events_are_grouped_by_their_index() -> None:
    def grouped() -> object:
        return dead_by_error(OrderEvent.objects.all(), max_count=10_001)

    assert_narrow(grouped)
    with without("DROP INDEX event_dead"):
        assert "Seq Scan of orders_orderevent" in str(wide_reads(grouped))


def test_admin_s_first_page_reads_the_orders_of_open_hours_and_no_others() -> None:
    """Of the hour that is running, of one that has just ended, and of as much of three hours before."""
    found = [run for run in runs(sales_overview) if run.of("orders_order")]
    scans = [scan for run in found for scan in run.of("orders_order")]
    assert "Seq Scan" not in [scan["Node Type"] for scan in scans]
    ((busiest,),) = execute("SELECT max(orders) FROM rankings_hourlysales")
    assert sum(looked_at(scan) for scan in scans) <= 5 * busiest < 20_000 / 20


def test_first_page_without_stored_hours_would_be_noticed() -> None:
    HourlySales.objects.all().delete()
    scans = [scan for run in runs(sales_overview) for scan in run.of("orders_order")]
    assert sum(looked_at(scan) for scan in scans) > 20_000 / 20


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
def test_index_that_is_missing_is_noticed(statement: str, path: str, scan: str, customer: int) -> None:
    with without(statement):
        assert scan in str(wide_reads(lambda: ask("GET", path, customer)))


def test_claim_that_has_no_index_is_noticed() -> None:
    with without("DROP INDEX event_pending_by_turn"):
        found = wide_reads(lambda: claim(limit=4, lease=LEASE))
    assert "Seq Scan of orders_orderevent" in str(found)


def test_entries_of_delivered_events_are_cleared_however_many_there_are() -> None:
    """Else each claim would walk over more of them, the more orders there ever were."""
    ((options,),) = execute("SELECT reloptions FROM pg_class WHERE oid = 'orders_orderevent'::regclass")
    share, number = "autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=50000"
    assert {share, number, "vacuum_index_cleanup=on"} <= set(options)
