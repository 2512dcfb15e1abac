"""Every refusal of the shop's own rules, provoked over HTTP."""

from collections.abc import Callable
from typing import Any

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Answer, Client
from tests.kit.database import execute
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon

Refusal = tuple[str, Answer]  # the operation's path in the OpenAPI document, and what it answered

CHARGES, ORDERS = "/api/v1/points/charges", "/api/v1/orders"
ISSUE = "/api/v1/coupons/{id}/issue"


def order(http: Client, *, quantity: int = 1, **more: Any) -> Refusal:
    """Buy something that costs 100 and of which 5 are left, with 300 points."""
    user = more.pop("user", None) or buyer(http, points=300)
    product = ProductFactory(price=100, stock=5)
    return ORDERS, http.order(user, {product.pk: quantity}, **more)


def order_with_coupon(http: Client, spoil: str) -> Refusal:
    """Buy with a coupon that was spoilt by SQL."""
    user = buyer(http)
    coupon = hold_coupon(http, user)
    execute(f"UPDATE coupons_issuedcoupon SET {spoil}")
    return order(http, user=user, issued_coupon_id=coupon["id"])


def issue(http: Client, *, times: int = 1, **terms: Any) -> Refusal:
    """Take a coupon of a campaign with these terms, so many times."""
    user, coupon = buyer(http, points=0), CouponFactory(**terms)
    return ISSUE, [http.post(f"coupons/{coupon.pk}/issue", user=user) for _ in range(times)][-1]


def product_not_found(http: Client) -> Refusal:
    return ORDERS, http.order(buyer(http), {MAX_BIGINT: 1, 10**30: 2})


def balance_overflow(http: Client) -> Refusal:
    return CHARGES, http.charge(buyer(http, points=1), MAX_BIGINT)


def idempotency_key_reused(http: Client) -> Refusal:
    user = buyer(http)
    assert http.charge(user, 1, key="k").status == 201
    return CHARGES, http.charge(user, 2, key="k")


REFUSALS: dict[str, Callable[[Client], Refusal]] = {
    "product_not_found": product_not_found,
    "coupon_not_found": lambda http: order(http, issued_coupon_id=0),
    "coupon_already_used": lambda http: order_with_coupon(http, "used_at = now()"),
    "coupon_expired": lambda http: order_with_coupon(
        http, "issued_at = '2001-01-01', expires_at = '2001-02-01'"
    ),
    "out_of_stock": lambda http: order(http, quantity=6),
    "price_changed": lambda http: order(http, expected_total=-1),
    "insufficient_points": lambda http: order(http, quantity=4),
    "coupon_not_open": lambda http: issue(http, opens_at="2999-01-01T00:00:00Z"),
    "coupon_already_issued": lambda http: issue(http, times=2),
    "coupon_sold_out": lambda http: issue(http, quantity=0),
    "balance_overflow": balance_overflow,
    "idempotency_key_reused": idempotency_key_reused,
}
