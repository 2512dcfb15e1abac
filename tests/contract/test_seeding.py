"""Rows put in by SQL: what the contract promises works as it stands, and what the database refuses."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import buyer, hold_coupon

SEED = (
    "INSERT INTO users_user (name) VALUES ('김하나');",
    "INSERT INTO products_product (name, price, stock) VALUES ('아메리카노', 4500, 100);",
    """INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity)
    VALUES ('오픈 기념', 'percent', 10, 100);""",
)
COUPON = "INSERT INTO coupons_coupon (name, discount_type, discount_value, max_discount, quantity) VALUES "
PRODUCT = "INSERT INTO products_product (name, price, stock) VALUES "

REFUSED = {
    "INSERT INTO products_product (id, name, price, stock) VALUES (0, 'x', 0, 0)": "product_id_positive",
    "INSERT INTO users_user (id, name) VALUES (-5, 'x')": "user_id_positive",
    "INSERT INTO coupons_coupon (id, name, discount_type, discount_value, quantity)"
    " VALUES (0, 'x', 'percent', 10, 1)": "coupon_id_positive",
    PRODUCT + "('x', -1, 0)": "product_price_not_negative",
    PRODUCT + "('x', 0, -1)": "product_stock_not_negative",
    PRODUCT + "('', 0, 0)": "product_name_not_blank",
    PRODUCT + "(E' \\t\\n ', 0, 0)": "product_name_not_blank",
    PRODUCT + "('\u3000\u00a0', 0, 0)": "product_name_not_blank",
    PRODUCT + "('\u200b\ufeff\u3164\u2800', 0, 0)": "product_name_not_blank",
    "INSERT INTO users_user (name) VALUES ('')": "user_name_not_blank",
    "INSERT INTO users_user (name) VALUES ('   ')": "user_name_not_blank",
    COUPON + "('', 'percent', 10, NULL, 1)": "coupon_name_not_blank",
    COUPON + "('x', 'free', 10, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'PERCENT', 10, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', '', 10, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'percent', 0, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'percent', 101, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'percent', -1, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'fixed', 0, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'fixed', -1, NULL, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'fixed', 1, 1, 1)": "coupon_discount_value_fits_type",
    COUPON + "('x', 'percent', 10, 0, 1)": "coupon_max_discount_positive",
    COUPON + "('x', 'percent', 10, NULL, -1)": "coupon_issued_within_quantity",
    "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, issued)"
    " VALUES ('x', 'percent', 10, 1, 2)": "coupon_issued_within_quantity",
    "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, opens_at, closes_at)"
    " VALUES ('x', 'percent', 10, 1, now(), now())": "coupon_opens_before_it_closes",
    "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, closes_at)"
    " VALUES ('x', 'percent', 10, 1, 'infinity')": "coupon_period_within_calendar",
    "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, opens_at)"
    " VALUES ('x', 'percent', 10, 1, '-infinity')": "coupon_period_within_calendar",
    "INSERT INTO coupons_coupon (name, discount_type, discount_value, quantity, closes_at)"
    " VALUES ('x', 'percent', 10, 1, '9999-12-31 23:59:59+00')": "coupon_period_within_calendar",
}
AFTERWARDS = {
    "UPDATE orders_order SET id = 0": "order_id_positive",
    "UPDATE coupons_issuedcoupon SET id = 0": "issued_coupon_id_positive",
    "UPDATE coupons_coupon SET quantity = 0": "coupon_issued_within_quantity",
    "UPDATE points_pointaccount SET balance = -1": "account_balance_not_negative",
    "UPDATE products_product SET stock = stock - 1000": "product_stock_not_negative",
    "UPDATE products_product SET units_sold = -1": "product_units_sold_not_negative",
    "UPDATE orders_order SET total = total + 1": "order_total_is_subtotal_less_discount",
    "UPDATE orders_order SET status = 'refunded'": "order_status_known",
    "UPDATE orders_orderitem SET quantity = 0": "order_item_quantity_positive",
    "UPDATE orders_orderitem SET unit_price = 9223372036854775807, quantity = 2": (
        "order_item_amount_within_bigint"
    ),
    "UPDATE orders_orderevent SET attempts = 2147483647": "event_attempts_bounded",
    "UPDATE orders_orderevent SET attempts = -1": "event_attempts_bounded",
    "UPDATE points_pointtransaction SET amount = amount": "ledger_append_only",
    "DELETE FROM points_pointtransaction": "ledger_append_only",
    "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)"
    " SELECT id, 'charge', 0, 0 FROM users_user": "ledger_type_fits_amount_and_order",
    "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)"
    " SELECT id, 'gift', 1, 1 FROM users_user": "ledger_type_fits_amount_and_order",
    "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after, order_id)"
    " SELECT user_id, 'payment', -1, 0, id FROM orders_order": "ledger_one_payment_an_order",
    "INSERT INTO coupons_issuedcoupon (coupon_id, user_id, sequence, name, discount_type,"
    " discount_value, expires_at)"
    " SELECT coupon_id, user_id, 2, 'x', 'fixed', 1, now() + interval '1 day' FROM coupons_issuedcoupon": (
        "issued_coupon_one_a_user"
    ),
}
REMOVED = ("users_user", "products_product", "coupons_coupon", "orders_order", "coupons_issuedcoupon")


def refusal_of(statement: str) -> Any:
    """The name of the constraint that refuses a statement."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        execute(statement)
    cause: Any = refused.value.__cause__
    return cause.diag.constraint_name


def test_sql_of_the_contract_works_as_it_stands(http: Client) -> None:
    for statement in SEED:
        execute(statement)
    ((user,),) = execute("SELECT id FROM users_user")
    (product,), (coupon,) = http.get("products").json["results"], http.get("coupons").json["results"]
    assert (product["name"], product["price"], product["stock"]) == ("아메리카노", 4500, 100)
    assert (coupon["name"], coupon["quantity"], coupon["remaining"]) == ("오픈 기념", 100, 100)
    issued = http.post(f"coupons/{coupon['id']}/issue", user=user).json
    assert http.charge(user, 10_000).status == 201
    order = http.order(user, {product["id"]: 2}, issued_coupon_id=issued["id"]).json
    assert (order["total"], order["balance_after"]) == (8_100, 1_900)


@pytest.mark.parametrize(("statement", "constraint"), REFUSED.items(), ids=[f"{n}" for n in REFUSED])
def test_bad_row_is_refused_by_a_named_constraint(db: None, statement: str, constraint: str) -> None:
    assert refusal_of(statement) == constraint


@pytest.mark.parametrize(
    "row", ["('x', 'percent', 1, NULL, 0)", "('x', 'percent', 100, 1, 1)", "('x', 'fixed', 1, NULL, 1)"]
)
def test_row_at_the_bounds_is_taken(db: None, row: str) -> None:
    execute(COUPON + row)


@pytest.mark.parametrize("name", ["x" * 101])
def test_name_of_more_than_100_characters_is_refused(http: Client, name: str) -> None:
    with pytest.raises(Exception, match="too long"):
        execute(PRODUCT + "(%s, 1, 1)", name)
    assert http.get("products").json["results"] == []


def test_sql_that_would_break_history_is_refused_by_a_named_constraint(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=10, stock=100)
    coupon = hold_coupon(http, user, discount_value=10)["id"]
    assert http.order(user, {product.pk: 1}, issued_coupon_id=coupon).status == 201
    assert {statement: refusal_of(statement) for statement in AFTERWARDS} == AFTERWARDS


@pytest.mark.parametrize("statement", ["TRUNCATE points_pointtransaction", "TRUNCATE users_user CASCADE"])
def test_ledger_refuses_truncate(http: Client, statement: str) -> None:
    """But by these tests after each of them, which say that they mean to."""
    buyer(http)
    with transaction.atomic():
        execute("SET LOCAL pointshop.may_empty_ledger = off")
        assert refusal_of(statement) == "ledger_append_only"
    assert execute("SELECT count(*) FROM points_pointtransaction") == [(1,)]
    execute(statement)
    assert execute("SELECT count(*) FROM points_pointtransaction") == [(0,)]


@pytest.mark.parametrize("table", REMOVED)
def test_delete_of_rows_with_orders_is_refused(http: Client, table: str) -> None:
    user, product = buyer(http), ProductFactory()
    coupon = hold_coupon(http, user)["id"]
    order = http.order(user, {product.pk: 1}, issued_coupon_id=coupon).json
    with pytest.raises(IntegrityError):
        execute(f"DELETE FROM {table}")
    assert http.get(f"orders/{order['id']}", user=user).status == 200
    assert len(execute(f"SELECT 1 FROM {table}")) == 1


def test_delete_of_unused_rows_succeeds(http: Client) -> None:
    product, coupon = ProductFactory(), CouponFactory()
    execute("DELETE FROM products_product")
    execute("DELETE FROM coupons_coupon")
    assert http.get(f"products/{product.pk}").status == 404
    assert http.get(f"coupons/{coupon.pk}").status == 404
