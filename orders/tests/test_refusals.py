"""Orders and quotes that are refused: why, with which members, in which order, and with nothing written."""

from typing import Any

import pytest

from products.factories import ProductFactory
from products.models import Product
from tests.kit.client import JSON, Answer, Client
from tests.kit.database import execute, nothing_written
from tests.kit.scenes import MAX_BIGINT, buyer, hold_coupon
from users.models import User

PATHS = pytest.mark.parametrize("path", ["orders", "orders/quote"])
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def refused(http: Client, path: str, user: User, quantities: dict[int, int], **more: Any) -> Answer:
    """The refusal of a basket, keyed too: a key must not change it, nor be remembered."""
    items = [{"product_id": pk, "quantity": quantity} for pk, quantity in quantities.items()]
    with nothing_written():
        answer = http.post(path, {"items": items, **more}, user=user)
        keyed = http.post(path, {"items": items, **more}, user=user, key="k")
    assert (keyed.status, keyed.code) == (answer.status, answer.code)
    return answer


def members(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name not in MEMBERS}


@PATHS
def test_order_of_missing_products_names_them_all(http: Client, path: str) -> None:
    product = ProductFactory()
    huge = 10**40 + 7
    answer = refused(http, path, buyer(http), {product.pk + 1: 1, product.pk: 1, huge: 1, 0: 1, -5: 1})
    assert (answer.status, answer.code) == (404, "product_not_found")
    assert members(answer) == {"product_ids": [product.pk + 1, huge, 0, -5]}


@PATHS
@pytest.mark.parametrize("digits", [19, 20, 5_000])
def test_product_id_of_any_size_is_well_formed(http: Client, path: str, digits: int) -> None:
    answer = http.send(
        "POST",
        path,
        user=buyer(http),
        body=b'{"items": [{"product_id": %b, "quantity": 1}]}' % (b"9" * digits),
        headers=JSON,
    )
    assert answer.status == 404
    assert b'"product_ids": [%b]' % (b"9" * digits) in answer.body


@PATHS
def test_order_of_sold_out_products_names_every_line(http: Client, path: str) -> None:
    user = buyer(http)
    one, enough, none = (ProductFactory(price=1, stock=stock) for stock in (1, 5, 0))
    answer = refused(http, path, user, {one.pk: 2, enough.pk: 5, none.pk: 1})
    assert (answer.status, answer.code) == (409, "out_of_stock")
    assert members(answer) == {
        "shortages": [
            {"product_id": one.pk, "requested": 2, "available": 1},
            {"product_id": none.pk, "requested": 1, "available": 0},
        ]
    }


@PATHS
def test_order_beyond_the_balance_names_balance_and_total(http: Client, path: str) -> None:
    answer = refused(http, path, buyer(http, points=99), {ProductFactory(price=100).pk: 1})
    assert (answer.status, answer.code) == (409, "insufficient_points")
    assert members(answer) == {"required": 100, "balance": 99}


@PATHS
def test_order_of_a_user_who_never_charged_is_refused(http: Client, path: str) -> None:
    answer = refused(http, path, buyer(http, points=0), {ProductFactory(price=1).pk: 1})
    assert members(answer) == {"required": 1, "balance": 0}


@PATHS
def test_order_s_subtotal_past_the_largest_number_is_named_exactly(http: Client, path: str) -> None:
    user, product = buyer(http, points=MAX_BIGINT), ProductFactory(price=MAX_BIGINT, stock=1_000_000)
    answer = refused(http, path, user, {product.pk: 1_000_000})
    assert answer.code == "insufficient_points"
    assert members(answer) == {"required": MAX_BIGINT * 1_000_000, "balance": MAX_BIGINT}


@PATHS
def test_order_s_lines_that_together_pass_the_largest_number_are_summed_exactly(
    http: Client, path: str
) -> None:
    user, products = buyer(http), ProductFactory.create_batch(2, price=MAX_BIGINT)
    answer = refused(http, path, user, {product.pk: 1 for product in products})
    assert members(answer) == {"required": 2 * MAX_BIGINT, "balance": 100_000}


@PATHS
@pytest.mark.parametrize("expected", [0, -1, 899, 901, 1_000, 10**30])
def test_order_at_another_total_than_expected_is_refused(http: Client, path: str, expected: int) -> None:
    user, product = buyer(http), ProductFactory(price=1_000)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    answer = refused(http, path, user, {product.pk: 1}, issued_coupon_id=coupon, expected_total=expected)
    assert (answer.status, answer.code) == (409, "price_changed")
    assert members(answer) == {"expected_total": expected, "total": 900}


@PATHS
def test_order_with_another_user_s_coupon_answers_exactly_as_a_missing_one(http: Client, path: str) -> None:
    user, product = buyer(http), ProductFactory()
    theirs = hold_coupon(http, buyer(http))["id"]
    for coupon in (theirs, theirs + 1, 0, -1, MAX_BIGINT, MAX_BIGINT + 1, 10**40):
        answer = refused(http, path, user, {product.pk: 1}, issued_coupon_id=coupon)
        assert (answer.status, answer.code, members(answer)) == (404, "coupon_not_found", {})


@PATHS
def test_coupon_pays_once(http: Client, path: str) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user)["id"]
    assert http.order(user, {product.pk: 1}, issued_coupon_id=coupon).status == 201
    answer = refused(http, path, user, {product.pk: 1}, issued_coupon_id=coupon)
    assert (answer.status, answer.code, members(answer)) == (409, "coupon_already_used", {})


@PATHS
def test_coupon_that_expired_pays_nothing(http: Client, path: str) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user)["id"]
    execute("UPDATE coupons_issuedcoupon SET issued_at = now() - interval '720 hours', expires_at = now()")
    answer = refused(http, path, user, {product.pk: 1}, issued_coupon_id=coupon)
    assert (answer.status, answer.code, members(answer)) == (409, "coupon_expired", {})


# What holds of a basket, worst first: each cause is answered only while none before it holds.
CAUSES = (
    "invalid",
    "product_not_found",
    "coupon_not_found",
    "coupon_already_used",
    "out_of_stock",
    "price_changed",
    "insufficient_points",
)


def basket_with(causes: set[str], product: Product, coupons: dict[str, int]) -> dict[str, Any]:
    """A body that has all of these wrong; the buyer cannot pay it in any case."""
    items = [{"product_id": product.pk, "quantity": 3 if "out_of_stock" in causes else 1}]
    if "product_not_found" in causes:
        items.append({"product_id": product.pk + 1, "quantity": 1})
    body: dict[str, Any] = {"items": items}
    for cause in ("coupon_not_found", "coupon_already_used"):
        if cause in causes:
            body.setdefault("issued_coupon_id", coupons[cause])
    if "price_changed" in causes:
        body["expected_total"] = 1
    return {**body, "x": 1} if "invalid" in causes else body


@PATHS
@pytest.mark.parametrize("first", CAUSES)
def test_order_with_several_causes_is_refused_for_the_first(http: Client, path: str, first: str) -> None:
    user, product = buyer(http, points=100), ProductFactory(price=50, stock=3)
    coupons = {"coupon_already_used": hold_coupon(http, user)["id"]}
    coupons["coupon_not_found"] = coupons["coupon_already_used"] + 1
    http.order(user, {product.pk: 1}, issued_coupon_id=coupons["coupon_already_used"])
    execute("UPDATE products_product SET price = 1000, stock = 2")
    causes = set(CAUSES[CAUSES.index(first) :])
    with nothing_written():
        assert http.post(path, basket_with(causes, product, coupons), user=user).code == first


@PATHS
def test_order_with_an_expired_coupon_is_refused_before_stock_is_checked(http: Client, path: str) -> None:
    user, product = buyer(http), ProductFactory(stock=0)
    coupon = hold_coupon(http, user)["id"]
    execute("UPDATE coupons_issuedcoupon SET issued_at = now() - interval '720 hours', expires_at = now()")
    assert refused(http, path, user, {product.pk: 1}, issued_coupon_id=coupon).code == "coupon_expired"


def test_coupon_used_and_expired_is_refused_as_used(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user)["id"]
    http.order(user, {product.pk: 1}, issued_coupon_id=coupon)
    execute("UPDATE coupons_issuedcoupon SET issued_at = now() - interval '720 hours', expires_at = now()")
    assert (
        refused(http, "orders", user, {product.pk: 1}, issued_coupon_id=coupon).code == "coupon_already_used"
    )
