"""What a coupon takes off."""

from typing import Any

import pytest

from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon

FIXED: dict[str, Any] = {"discount_type": "fixed"}
PERCENT: dict[str, Any] = {"discount_type": "percent"}

# Terms, what one unit costs, how many, and the discount.
DISCOUNTS = {
    "fixed": (FIXED | {"discount_value": 1_000}, 4_500, 2, 1_000),
    "fixed of the whole subtotal": (FIXED | {"discount_value": 9_000}, 4_500, 2, 9_000),
    "fixed is capped by the subtotal": (FIXED | {"discount_value": 9_001}, 4_500, 2, 9_000),
    "the largest fixed": (FIXED | {"discount_value": MAX_BIGINT}, 1, 1, 1),
    "percent": (PERCENT | {"discount_value": 10}, 4_500, 2, 900),
    "percent rounds down": (PERCENT | {"discount_value": 33}, 100, 1, 33),
    "percent rounds down below a half": (PERCENT | {"discount_value": 10}, 14, 1, 1),
    "percent rounds down above a half": (PERCENT | {"discount_value": 10}, 19, 1, 1),
    "percent of the subtotal, not of each line": (PERCENT | {"discount_value": 10}, 5, 3, 1),
    "1 percent of little is nothing": (PERCENT | {"discount_value": 1}, 99, 1, 0),
    "100 percent": (PERCENT | {"discount_value": 100}, 4_500, 2, 9_000),
    "percent below its cap": (PERCENT | {"discount_value": 10, "max_discount": 901}, 4_500, 2, 900),
    "percent at its cap": (PERCENT | {"discount_value": 10, "max_discount": 900}, 4_500, 2, 900),
    "percent above its cap": (PERCENT | {"discount_value": 10, "max_discount": 899}, 4_500, 2, 899),
    "100 percent above its cap": (PERCENT | {"discount_value": 100, "max_discount": 1}, 4_500, 2, 1),
    "anything off nothing": (PERCENT | {"discount_value": 100}, 0, 5, 0),
}


@pytest.mark.parametrize(("terms", "price", "quantity", "discount"), DISCOUNTS.values(), ids=DISCOUNTS.keys())
def test_discount_is_taken_off(
    http: Client, terms: dict[str, Any], price: int, quantity: int, discount: int
) -> None:
    user, product = buyer(http, points=10_000), ProductFactory(price=price, stock=10)
    coupon = hold_coupon(http, user, **terms)
    basket = {"items": [{"product_id": product.pk, "quantity": quantity}], "issued_coupon_id": coupon["id"]}
    quote, order = (
        http.post("orders/quote", basket, user=user).json,
        http.post("orders", basket, user=user).json,
    )
    subtotal = price * quantity
    for told in (quote, order):
        assert (told["subtotal"], told["discount"], told["total"]) == (
            subtotal,
            discount,
            subtotal - discount,
        )
        assert told["balance_after"] == 10_000 - subtotal + discount


def test_discount_on_large_sums_is_exact(http: Client) -> None:
    """Where a floating-point share would be off by hundreds."""
    price = MAX_BIGINT // 3
    user, product = buyer(http, points=MAX_BIGINT), ProductFactory(price=price, stock=3)
    coupon = hold_coupon(http, user, discount_value=33)
    order = http.order(user, {product.pk: 3}, issued_coupon_id=coupon["id"]).json
    assert order["discount"] == 3 * price * 33 // 100
    assert order["balance_after"] == MAX_BIGINT - 3 * price + order["discount"]
