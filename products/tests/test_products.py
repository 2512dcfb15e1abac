"""Products over HTTP."""

import pytest

from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import MAX_BIGINT, buyer


def test_product_is_shown_with_its_stock(http: Client) -> None:
    product = ProductFactory(name="아메리카노", price=4500, stock=7)
    shown = {"id": product.pk, "name": "아메리카노", "price": 4500, "stock": 7}
    assert http.get(f"products/{product.pk}").json == shown
    assert http.get("products").json["results"] == [shown]


def test_missing_product_is_not_found(http: Client) -> None:
    assert http.get(f"products/{ProductFactory().pk + 1}").code == "not_found"


@pytest.mark.parametrize(("price", "stock"), [(0, 0), (MAX_BIGINT, MAX_BIGINT)])
def test_price_and_stock_reach_from_nothing_to_the_largest_number(
    http: Client, price: int, stock: int
) -> None:
    shown = http.get(f"products/{ProductFactory(price=price, stock=stock).pk}").json
    assert (shown["price"], shown["stock"]) == (price, stock)


def test_stock_shown_is_the_current_stock(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=5)
    assert http.order(user, {product.pk: 2}).status == 201
    assert http.get(f"products/{product.pk}").json["stock"] == 3
    assert http.get("products").json["results"][0]["stock"] == 3


def test_product_updated_by_sql_counts_at_once(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=0)
    assert http.order(user, {product.pk: 1}).code == "out_of_stock"
    execute("UPDATE products_product SET name = '라떼', price = 7, stock = 9")
    assert http.get(f"products/{product.pk}").json == {
        "id": product.pk,
        "name": "라떼",
        "price": 7,
        "stock": 9,
    }
    assert http.order(user, {product.pk: 1}).json["total"] == 7


def test_products_are_listed_by_id(http: Client) -> None:
    products = [ProductFactory(name=name) for name in ("나", "가", "다")]
    assert [row["id"] for row in http.get("products").json["results"]] == [each.pk for each in products]
