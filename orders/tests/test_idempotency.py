"""The Idempotency-Key: one effect, the same answer, on orders and on charges."""

from typing import Any

import pytest

from products.factories import ProductFactory
from tests.kit.client import JSON, Answer, Client
from tests.kit.database import execute, nothing_written
from tests.kit.invariants import broken_rules
from tests.kit.scenes import buyer, hold_coupon
from users.factories import UserFactory

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


def assert_replayed(first: Answer, again: Answer) -> None:
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert again.headers.get("Location") == first.headers.get("Location")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_order_sent_again_is_answered_again_and_made_once(http: Client) -> None:
    user, products = buyer(http), ProductFactory.create_batch(3, stock=5)
    quantities = {product.pk: 2 for product in reversed(products)}
    first = http.order(user, quantities, key="k")
    with nothing_written():
        again = http.order(user, quantities, key="k")
    assert_replayed(first, again)
    assert broken_rules(stock={product.pk: 5 for product in products}) == []


def test_charge_sent_again_is_answered_again_and_made_once(http: Client) -> None:
    user = UserFactory()
    first = http.charge(user, 10, key="k")
    http.charge(user, 5)
    with nothing_written():
        again = http.charge(user, 10, key="k")
    assert_replayed(first, again)
    assert again.json["balance_after"] == 10


def test_order_is_replayed_though_stock_points_and_coupon_are_gone(http: Client) -> None:
    user, product = buyer(http, points=900), ProductFactory(price=1_000, stock=1)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    first = http.order(user, {product.pk: 1}, issued_coupon_id=coupon, expected_total=900, key="k")
    execute("UPDATE products_product SET price = 5, name = '나중'")
    with nothing_written():
        again = http.order(user, {product.pk: 1}, issued_coupon_id=coupon, expected_total=900, key="k")
    assert_replayed(first, again)


def test_charge_is_replayed_though_the_balance_is_full_by_now(http: Client) -> None:
    user = UserFactory()
    first = http.charge(user, 2**62, key="k")
    http.charge(user, 2**62 - 1)
    assert_replayed(first, http.charge(user, 2**62, key="k"))


SAME = (
    b'{"items": [{"product_id": %d, "quantity": 1}], "expected_total": 1}',
    b'{ "expected_total":1,\n"items":[{"quantity":1,"product_id":%d}]}',
)


def test_body_equal_as_json_is_the_same_body(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    first, again = (
        http.send(
            "POST", "orders", user=user, body=body % product.pk, headers={**JSON, "Idempotency-Key": "k"}
        )
        for body in SAME
    )
    assert_replayed(first, again)


def test_key_sent_with_another_body_is_refused(http: Client) -> None:
    user, product, other = buyer(http), ProductFactory(price=1), ProductFactory(price=1)
    assert http.order(user, {product.pk: 1}, key="k").status == 201
    bodies: list[tuple[dict[int, int], dict[str, Any]]] = [
        ({product.pk: 2}, {}),
        ({other.pk: 1}, {}),
        ({product.pk: 1, other.pk: 1}, {}),
        ({product.pk: 1}, {"expected_total": 1}),
        ({product.pk: 1}, {"expected_total": None}),
    ]
    for quantities, more in bodies:
        with nothing_written():
            answer = http.order(user, quantities, key="k", **more)
        assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_charge_with_a_used_key_and_another_amount_is_refused(http: Client) -> None:
    user = UserFactory()
    http.charge(user, 1, key="k")
    with nothing_written():
        answers = [http.charge(user, amount, key="k") for amount in (2, 10**30)]
    assert [(answer.status, answer.code) for answer in answers] == [(422, "idempotency_key_reused")] * 2


def test_used_key_is_noticed_before_products_coupon_stock_price_and_points(http: Client) -> None:
    user, product = buyer(http, points=1), ProductFactory(price=1, stock=1)
    assert http.order(user, {product.pk: 1}, key="k").status == 201
    bodies: list[tuple[dict[int, int], dict[str, Any]]] = [
        ({product.pk + 1: 1}, {}),
        ({product.pk: 1}, {"issued_coupon_id": 1}),
        ({product.pk: 9}, {}),
        ({product.pk: 1}, {"expected_total": 2}),
    ]
    codes = [http.order(user, quantities, key="k", **more).code for quantities, more in bodies]
    assert codes == ["idempotency_key_reused"] * 4


def test_invalid_body_is_noticed_before_a_used_key(http: Client) -> None:
    user = UserFactory()
    assert http.charge(user, 1, key="k").status == 201
    assert http.charge(user, 0, key="k").code == "invalid"
    assert http.post("points/charges", {"amount": 1, "x": 1}, user=user, key="k").code == "invalid"


def test_key_runs_again_after_an_error(http: Client) -> None:
    user, product = buyer(http, points=0), ProductFactory(price=10, stock=0)
    refusals = [http.order(user, {product.pk: 1}, key="k").code]
    execute("UPDATE products_product SET stock = 1")
    refusals.append(http.order(user, {product.pk: 1}, key="k").code)
    assert http.charge(user, 0, key="k").code == "invalid"
    assert http.charge(user, 10, key="k").status == 201
    answer = http.order(user, {product.pk: 1}, key="k")
    assert refusals == ["out_of_stock", "insufficient_points"]
    assert answer.status == 201
    assert "Idempotent-Replayed" not in answer.headers


def test_key_may_come_with_another_body_after_an_error(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=1)
    assert http.order(user, {product.pk: 2}, key="k").code == "out_of_stock"
    assert http.order(user, {product.pk: 1}, key="k").status == 201


def test_key_may_be_used_by_two_users(http: Client) -> None:
    one, two = UserFactory.create_batch(2)
    answers = [http.charge(user, 10, key="k") for user in (one, two)]
    assert [answer.json["balance_after"] for answer in answers] == [10, 10]
    product = ProductFactory(price=1)
    assert len({http.order(user, {product.pk: 1}, key="k").json["id"] for user in (one, two)}) == 2


def test_same_key_on_a_charge_and_an_order_runs_both(http: Client) -> None:
    user, product = UserFactory(), ProductFactory(price=1)
    assert http.charge(user, 10, key="k").status == 201
    answer = http.order(user, {product.pk: 1}, key="k")
    assert (answer.status, answer.json["balance_after"]) == (201, 9)
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.parametrize("key", ["x", "x" * 255, VISIBLE, "'; DROP TABLE orders_order; --".replace(" ", "_")])
def test_key_is_1_to_255_visible_ascii_characters(http: Client, key: str) -> None:
    user = UserFactory()
    assert_replayed(http.charge(user, 10, key=key), http.charge(user, 10, key=key))


def test_keys_that_differ_in_case_are_two(http: Client) -> None:
    user = UserFactory()
    assert [http.charge(user, 10, key=key).json["balance_after"] for key in ("k", "K")] == [10, 20]


def test_requests_without_a_key_are_never_the_same(http: Client) -> None:
    user, product = UserFactory(), ProductFactory(price=1)
    assert [http.charge(user, 10).json["balance_after"] for _ in range(2)] == [10, 20]
    assert len({http.order(user, {product.pk: 1}).json["id"] for _ in range(2)}) == 2
