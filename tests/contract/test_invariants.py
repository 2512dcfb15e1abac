"""The invariants can be broken, and are then reported: without this, races that pass would prove nothing."""

from collections.abc import Callable
from threading import Barrier

import pytest

from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.invariants import RULES, broken_rules
from tests.kit.scenes import at_once, buyer, hold_coupon

TAMPERINGS = {
    "UPDATE points_pointaccount SET balance = balance + 1": "balance_equals_ledger",
    "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after) SELECT id, 'charge', 1, 1"
    " FROM users_user": "balance_after_equals_ledger_so_far",
    "UPDATE products_product SET units_sold = 0": "units_sold_equal_lines",
    "UPDATE coupons_coupon SET issued = issued + 1": "issued_equals_coupons",
    "UPDATE coupons_issuedcoupon SET sequence = 2": "issued_equals_coupons",
    "UPDATE coupons_issuedcoupon SET used_at = NULL": "used_coupon_has_one_order",
    "UPDATE orders_order SET issued_coupon_id = NULL": "used_coupon_has_one_order",
    "UPDATE orders_order SET total = total - 1, discount = discount + 1": ("payment_equals_total"),
    "DELETE FROM orders_orderevent": "order_has_event",
    "UPDATE orders_orderitem SET unit_price = unit_price + 1": "subtotal_equals_lines",
    "DELETE FROM orders_orderitem": "subtotal_equals_lines",
    "UPDATE products_product SET stock = stock + 1": "stock_and_sold_equal_stocked",
}


def test_rules_each_have_a_tampering_that_breaks_them() -> None:
    assert {*RULES, "stock_and_sold_equal_stocked"} == set(TAMPERINGS.values())


@pytest.mark.parametrize(("tampering", "rule"), TAMPERINGS.items(), ids=TAMPERINGS.keys())
def test_tampered_row_is_reported(http: Client, tampering: str, rule: str) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=5)
    coupon = hold_coupon(http, user)["id"]
    assert http.order(user, {product.pk: 1}, issued_coupon_id=coupon).status == 201
    assert broken_rules(stock={product.pk: 5}) == []
    execute(tampering)
    assert [each for each in broken_rules(stock={product.pk: 5}) if each.startswith(rule)]


def naive(read: str, write: str, *, together: Barrier) -> Callable[[], None]:
    """Read a number, wait until the other has read it too, and write it back changed."""

    def run() -> None:
        ((seen,),) = execute(read)
        together.wait(timeout=30)
        execute(write, seen)

    return run


NAIVE = {
    "stock": (
        "SELECT stock FROM products_product",
        "UPDATE products_product SET stock = %s - 1, units_sold = units_sold + 1",
    ),
    "balance": (
        "SELECT balance FROM points_pointaccount",
        """WITH line AS (INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)
        SELECT id, 'charge', 10, 0 FROM users_user) UPDATE points_pointaccount SET balance = %s + 10""",
    ),
    "issued": ("SELECT issued FROM coupons_coupon", "UPDATE coupons_coupon SET issued = %s + 1"),
}


@pytest.mark.parametrize("what", NAIVE)
def test_naive_read_modify_write_by_two_is_reported(http: Client, what: str) -> None:
    user, product = buyer(http), ProductFactory(stock=5)
    hold_coupon(http, user)
    together = Barrier(2)
    at_once([naive(*NAIVE[what], together=together)] * 2)
    assert broken_rules(stock={product.pk: 5})
