"""A quote: what an order would answer, without one."""

from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import nothing_written
from tests.kit.scenes import buyer, hold_coupon


def test_quote_has_the_total_and_the_balance_after_the_order(http: Client) -> None:
    user, product = buyer(http, points=1_000), ProductFactory(name="라떼", price=300, stock=2)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    items = [{"product_id": product.pk, "quantity": 2}]
    basket = {"items": items, "issued_coupon_id": coupon, "expected_total": 540}
    with nothing_written():
        answer = http.post("orders/quote", basket, user=user)
    line = {"product_id": product.pk, "product_name": "라떼", "unit_price": 300, "quantity": 2, "amount": 600}
    assert answer.status == 200
    sums = {"subtotal": 600, "discount": 60, "total": 540, "balance": 1_000, "balance_after": 460}
    assert answer.json == {"items": [line], **sums}


def test_order_after_a_quote_charges_the_quoted_total(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=300)
    basket = {"items": [{"product_id": product.pk, "quantity": 2}]}
    quote, order = (
        http.post("orders/quote", basket, user=user).json,
        http.post("orders", basket, user=user).json,
    )
    shared = ("items", "subtotal", "discount", "total", "balance_after")
    assert [quote[name] for name in shared] == [order[name] for name in shared]


def test_quote_has_no_location_and_writes_nothing(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    for quantity in (1, 2):
        basket = {"items": [{"product_id": product.pk, "quantity": quantity}]}
        answer = http.post("orders/quote", basket, user=user, key="same")
        assert (answer.status, answer.json["total"]) == (200, quantity)
        assert not {"Location", "Idempotent-Replayed"} & set(answer.headers)
