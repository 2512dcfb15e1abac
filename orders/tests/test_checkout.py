"""Orders that succeed: what is answered, kept and left behind."""

from datetime import datetime

import pytest

from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.invariants import broken_rules
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon
from users.factories import UserFactory

ORDER = {"id", "status", "items", "subtotal", "discount", "total", "issued_coupon_id", "ordered_at"}


def test_order_sells_several_products_at_once(http: Client) -> None:
    user = buyer(http, points=10_000)
    latte = ProductFactory(name="라떼", price=3_000, stock=5)
    scone = ProductFactory(name="스콘", price=500, stock=9)
    answer = http.order(user, {scone.pk: 4, latte.pk: 2})
    assert answer.status == 201
    assert set(answer.json) == ORDER | {"balance_after"}
    assert answer.json["items"] == [
        {"product_id": scone.pk, "product_name": "스콘", "unit_price": 500, "quantity": 4, "amount": 2_000},
        {"product_id": latte.pk, "product_name": "라떼", "unit_price": 3_000, "quantity": 2, "amount": 6_000},
    ]
    sums = {"subtotal": 8_000, "discount": 0, "total": 8_000, "balance_after": 2_000}
    assert answer.json.items() >= {**sums, "status": "paid", "issued_coupon_id": None}.items()
    assert broken_rules(stock={latte.pk: 5, scone.pk: 9}) == []


def test_order_is_found_at_its_location_without_the_balance(http: Client) -> None:
    user = buyer(http)
    answer = http.order(user, {ProductFactory().pk: 1})
    assert answer.headers["Location"] == f"/api/v1/orders/{answer.json['id']}"
    found = http.get(answer.headers["Location"], user=user).json
    assert set(found) == ORDER
    assert answer.json == {**found, "balance_after": answer.json["balance_after"]}
    assert http.get("orders", user=user).json["results"] == [found]


def test_order_is_dated_by_the_databases_clock(http: Client) -> None:
    user, product = buyer(http), ProductFactory()
    ((before,),) = execute("SELECT clock_timestamp()")
    ordered_at = datetime.fromisoformat(http.order(user, {product.pk: 1}).json["ordered_at"])
    ((after,),) = execute("SELECT clock_timestamp()")
    assert before < ordered_at < after


def test_order_lines_copy_name_and_price(http: Client) -> None:
    user, product = buyer(http), ProductFactory(name="처음", price=100)
    order = http.order(user, {product.pk: 1}).json
    execute("UPDATE products_product SET name = '나중', price = 200")
    assert http.get(f"orders/{order['id']}", user=user).json["items"] == order["items"]
    assert http.order(user, {product.pk: 1}).json["items"][0]["product_name"] == "나중"


def test_coupon_is_used_up_by_the_order(http: Client) -> None:
    user, product = buyer(http, points=1_000), ProductFactory(price=500)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    order = http.order(user, {product.pk: 2}, issued_coupon_id=coupon).json
    assert (order["subtotal"], order["discount"], order["total"]) == (1_000, 100, 900)
    assert (order["issued_coupon_id"], order["balance_after"]) == (coupon, 100)
    assert http.get(f"issued-coupons/{coupon}", user=user).json["status"] == "used"
    assert broken_rules() == []


def test_order_may_take_the_last_unit_and_the_last_won(http: Client) -> None:
    user, product = buyer(http, points=700), ProductFactory(price=700, stock=1)
    assert http.order(user, {product.pk: 1}).json["balance_after"] == 0
    assert http.get(f"products/{product.pk}").json["stock"] == 0


@pytest.mark.parametrize("points", [0, 5])
def test_order_of_nothing_to_pay_has_no_payment(http: Client, points: int) -> None:
    user, product = buyer(http, points=points), ProductFactory(price=0, stock=2)
    order = http.order(user, {product.pk: 2}).json
    assert (order["total"], order["balance_after"]) == (0, points)
    assert execute("SELECT count(*) FROM points_pointtransaction WHERE order_id IS NOT NULL") == [(0,)]
    assert broken_rules(stock={product.pk: 2}) == []


def test_order_s_null_means_absent(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    assert http.order(user, {product.pk: 1}, issued_coupon_id=None, expected_total=None).status == 201


def test_expected_total_is_the_total_after_the_discount(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=500)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    assert http.order(user, {product.pk: 2}, issued_coupon_id=coupon, expected_total=900).status == 201


def test_order_of_100_lines_and_a_million_units_is_taken(http: Client) -> None:
    user = buyer(http, points=MAX_BIGINT)
    products = ProductFactory.create_batch(100, price=1, stock=1_000_000)
    answer = http.order(user, {product.pk: 1_000_000 for product in products})
    assert answer.json["total"] == 100_000_000
    assert [line["product_id"] for line in answer.json["items"]] == [product.pk for product in products]


def test_order_of_the_largest_sum_there_can_be(http: Client) -> None:
    user, product = buyer(http, points=MAX_BIGINT), ProductFactory(price=MAX_BIGINT, stock=1)
    assert http.order(user, {product.pk: 1}).json["total"] == MAX_BIGINT
    assert broken_rules() == []


def test_order_of_another_user_answers_exactly_as_a_missing_one(http: Client) -> None:
    theirs = http.order(buyer(http), {ProductFactory().pk: 1}).json["id"]
    user, named = UserFactory(), {"X-Request-Id": "same"}
    answers = [http.get(f"orders/{pk}", user=user, headers=named) for pk in (theirs, theirs + 1)]
    assert [answer.code for answer in answers] == ["not_found", "not_found"]
    assert answers[0].body == answers[1].body
    assert http.get("orders", user=user).json["results"] == []


def test_order_has_one_event(http: Client) -> None:
    order = http.order(buyer(http), {ProductFactory().pk: 1}).json
    assert execute("SELECT order_id FROM orders_orderevent") == [(order["id"],)]
