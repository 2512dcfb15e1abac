"""Best sellers over HTTP, computed from the order lines."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.db.transactions import database_now
from orders.selectors import Sales, sales_between
from products.factories import ProductFactory
from rankings.selectors import recount
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.sales import ranked, sell
from tests.kit.scenes import MAX_BIGINT, buyer

MICROSECOND = timedelta(microseconds=1)


def test_ranking_of_no_sales_is_empty(http: Client) -> None:
    ProductFactory()
    ranking = http.get("rankings/products").json
    assert set(ranking) == {"from", "to", "as_of", "results"}
    assert ranking["results"] == []


def test_window_is_3_times_24_hours_up_to_now(http: Client) -> None:
    ((before,),) = execute("SELECT clock_timestamp()")
    ranking = http.get("rankings/products").json
    ((after,),) = execute("SELECT clock_timestamp()")
    from_at, to_at = datetime.fromisoformat(ranking["from"]), datetime.fromisoformat(ranking["to"])
    assert to_at - from_at == timedelta(hours=72)
    assert ranking["as_of"] == ranking["to"]
    assert before < to_at < after


def test_best_seller_is_shown_with_its_product_and_its_sales(http: Client) -> None:
    user, product = buyer(http), ProductFactory(name="라떼", price=300, stock=9)
    sell(http, user, {product.pk: 2})
    execute("UPDATE products_product SET price = 400")
    sell(http, user, {product.pk: 1})
    assert http.get("rankings/products").json["results"] == [
        {
            "rank": 1,
            "product_id": product.pk,
            "name": "라떼",
            "price": 400,
            "stock": 6,
            "units_sold": 3,
            "sales_amount": 1_000,
        }
    ]


def test_ranking_orders_by_units_and_then_by_the_lower_id(http: Client) -> None:
    user = buyer(http)
    a, b, c = ProductFactory.create_batch(3, price=10)
    sell(http, user, {c.pk: 2, b.pk: 3})
    sell(http, user, {a.pk: 2})
    assert ranked(http) == [(b.pk, 3, 30), (a.pk, 2, 20), (c.pk, 2, 20)]


def test_ranking_names_five_products(http: Client) -> None:
    user, products = buyer(http), ProductFactory.create_batch(7, price=1)
    sell(http, user, {product.pk: 1 + index // 2 for index, product in enumerate(products)})
    p = [product.pk for product in products]
    assert [row[0] for row in ranked(http)] == [p[6], p[4], p[5], p[2], p[3]]


def test_ranking_counts_units_and_not_amounts(http: Client) -> None:
    user = buyer(http)
    cheap, dear = ProductFactory(price=0), ProductFactory(price=50_000)
    sell(http, user, {dear.pk: 1, cheap.pk: 2})
    assert ranked(http) == [(cheap.pk, 2, 0), (dear.pk, 1, 50_000)]


def test_stock_shown_is_the_current_stock(http: Client) -> None:
    user, product = buyer(http), ProductFactory(stock=5)
    sell(http, user, {product.pk: 1})
    assert http.get("rankings/products").json["results"][0]["stock"] == 4
    execute("UPDATE products_product SET stock = 77")
    assert http.get("rankings/products").json["results"][0]["stock"] == 77


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        ("71 hours 59 minutes", True),
        ("72 hours", False),
        ("73 hours", False),
        ("-1 hour", False),
        ("1 second", True),
    ],
)
def test_ranking_counts_sales_in_the_window_alone(http: Client, age: str, counts: bool) -> None:  # noqa: FBT001
    product = ProductFactory()
    sell(http, buyer(http), {product.pk: 1}, age=age)
    assert [row[0] for row in ranked(http)] == [product.pk] * counts


@pytest.mark.parametrize(
    ("from_edge", "from_end", "counts"),
    [
        (timedelta(0), None, False),
        (MICROSECOND, None, True),
        (-MICROSECOND, None, False),
        (None, timedelta(0), True),
        (None, MICROSECOND, False),
        (None, -MICROSECOND, True),
    ],
)
def test_window_is_open_at_its_beginning_and_closed_at_its_end(
    http: Client,
    from_edge: timedelta | None,
    from_end: timedelta | None,
    counts: bool,  # noqa: FBT001
) -> None:
    product = ProductFactory()
    order_id = sell(http, buyer(http), {product.pk: 1})
    ranking = http.get("rankings/products").json
    after, until = datetime.fromisoformat(ranking["from"]), datetime.fromisoformat(ranking["to"])
    moment = (
        until + from_end
        if from_edge is None and from_end is not None
        else after + (from_edge or timedelta(0))
    )
    execute("UPDATE orders_order SET ordered_at = %s WHERE id = %s", moment, order_id)
    assert (product.pk in sales_between(after=after, until=until)) is counts


def test_refused_orders_and_quotes_do_not_count(http: Client) -> None:
    user, product = buyer(http, points=1), ProductFactory(price=1, stock=1)
    http.order(user, {product.pk: 2})
    http.post("orders/quote", {"items": [{"product_id": product.pk, "quantity": 1}]}, user=user)
    assert ranked(http) == []


def test_sums_past_the_largest_number_are_exact(http: Client) -> None:
    product = ProductFactory(price=MAX_BIGINT, stock=2)
    for _ in range(2):
        sell(http, buyer(http, points=MAX_BIGINT), {product.pk: 1})
    assert http.get("rankings/products").json["results"][0]["sales_amount"] == 2 * MAX_BIGINT


def test_recount_of_a_century_reads_the_hours_that_have_orders(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=9)
    for age in ("7000 days", "80 hours", "79 hours 30 minutes", "5 minutes"):
        sell(http, user, {product.pk: 1}, age=age)
    now = database_now()
    with CaptureQueriesContext(connection) as statements:
        sums = recount(after=now - timedelta(days=36_500), until=now)
    assert sums == {product.pk: Sales(4, 4)}
    assert len(statements) == 2 * 3 + 1
