"""Races over real HTTP. Each asserts what is conserved; test_invariants.py shows those checks failing."""

from itertools import cycle, islice

import pytest

from coupons.factories import CouponFactory
from products import services as product_services
from products.factories import ProductFactory
from tests.kit.client import Answer, Client
from tests.kit.database import execute
from tests.kit.invariants import wrongs
from tests.kit.scenes import at_once, buyer, buyers, hold_coupon
from users.factories import UserFactory


def statuses(answers: list[Answer]) -> dict[int, int]:
    """How often each status came."""
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def codes(answers: list[Answer]) -> set[str]:
    """The codes of the refusals."""
    return {answer.code for answer in answers if answer.status != 201}


def test_order_sent_50_times_with_one_key_is_one_order(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=100)
    answers = at_once([lambda: http.order(user, {product.pk: 1}, key="same")] * 50)
    assert statuses(answers) == {201: 50}
    assert len({answer.body for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 49
    assert execute("SELECT units_sold FROM products_product") == [(1,)]
    assert wrongs(stock={product.pk: 100}) == []


def test_order_sent_50_times_with_one_key_takes_last_unit_last_won_and_coupon_once(http: Client) -> None:
    user, product = buyer(http, points=90), ProductFactory(price=100, stock=1)
    coupon = hold_coupon(http, user)["id"]
    answers = at_once([lambda: http.order(user, {product.pk: 1}, issued_coupon_id=coupon, key="same")] * 50)
    assert statuses(answers) == {201: 50}
    assert len({answer.body for answer in answers}) == 1
    assert wrongs(stock={product.pk: 1}) == []


def test_first_charge_sent_50_times_with_one_key_is_one_charge(http: Client) -> None:
    user = UserFactory()
    answers = at_once([lambda: http.charge(user, 10, key="same")] * 50)
    assert statuses(answers) == {201: 50}
    assert len({answer.body for answer in answers}) == 1
    assert http.get("points", user=user).json["balance"] == 10
    assert wrongs() == []


def test_key_with_two_bodies_makes_one_order(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=100)
    quantities = islice(cycle([1, 2]), 40)
    answers = at_once([lambda n=n: http.order(user, {product.pk: n}, key="same") for n in quantities])
    assert statuses(answers) == {201: 20, 422: 20}
    assert codes(answers) == {"idempotency_key_reused"}
    assert wrongs(stock={product.pk: 100}) == []


def test_orders_of_200_buyers_for_10_units_are_10(http: Client) -> None:
    product, users = ProductFactory(price=10, stock=10), buyers(200, points=100)
    answers = at_once([lambda user=user: http.order(user, {product.pk: 1}) for user in users])
    assert statuses(answers) == {201: 10, 409: 190}
    assert codes(answers) == {"out_of_stock"}
    assert execute("SELECT stock, units_sold FROM products_product") == [(0, 10)]
    assert wrongs(stock={product.pk: 10}) == []


def test_balance_for_one_order_pays_one_of_50_in_parallel(http: Client) -> None:
    user, product = buyer(http, points=100), ProductFactory(price=100, stock=100)
    answers = at_once([lambda: http.order(user, {product.pk: 1})] * 50)
    assert statuses(answers) == {201: 1, 409: 49}
    assert codes(answers) == {"insufficient_points"}
    assert http.get("points", user=user).json["balance"] == 0
    assert wrongs(stock={product.pk: 100}) == []


def test_parallel_orders_succeed_as_often_as_the_balance_allows(http: Client) -> None:
    user, product = buyer(http, points=1_050), ProductFactory(price=100, stock=100)
    answers = at_once([lambda: http.order(user, {product.pk: 1})] * 30)
    assert statuses(answers) == {201: 10, 409: 20}
    assert http.get("points", user=user).json["balance"] == 50
    assert wrongs(stock={product.pk: 100}) == []


def test_issue_to_300_users_asking_twice_for_100_coupons_gives_exactly_100(http: Client) -> None:
    campaign, users = CouponFactory(quantity=100), UserFactory.create_batch(300)
    answers = at_once(
        [lambda user=user: http.post(f"coupons/{campaign.pk}/issue", user=user) for user in users * 2]
    )
    issued = [answer.json for answer in answers if answer.status == 201]
    assert sorted(coupon["sequence"] for coupon in issued) == list(range(1, 101))
    assert len({coupon["id"] for coupon in issued}) == 100
    assert codes(answers) == {"coupon_sold_out", "coupon_already_issued"}
    assert http.get(f"coupons/{campaign.pk}").json["remaining"] == 0
    assert wrongs() == []


def test_issue_asked_30_times_at_once_gives_one_coupon(http: Client) -> None:
    campaign, user = CouponFactory(quantity=5), UserFactory()
    answers = at_once([lambda: http.post(f"coupons/{campaign.pk}/issue", user=user)] * 30)
    assert statuses(answers) == {201: 1, 409: 29}
    assert codes(answers) == {"coupon_already_issued"}
    assert http.get(f"coupons/{campaign.pk}").json["remaining"] == 4
    assert wrongs() == []


def test_coupon_in_20_parallel_orders_is_used_once(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=100)
    coupon = hold_coupon(http, user)["id"]
    answers = at_once([lambda: http.order(user, {product.pk: 1}, issued_coupon_id=coupon)] * 20)
    assert statuses(answers) == {201: 1, 409: 19}
    assert codes(answers) == {"coupon_already_used"}
    assert wrongs(stock={product.pk: 100}) == []


def test_first_charges_300_at_once_to_a_new_user_all_succeed(http: Client) -> None:
    user = UserFactory()
    answers = at_once([lambda: http.charge(user, 7)] * 300)
    assert statuses(answers) == {201: 300}
    assert sorted(answer.json["balance_after"] for answer in answers) == list(range(7, 2_101, 7))
    assert wrongs() == []


def test_charges_beside_orders_of_one_user_lose_nothing(http: Client) -> None:
    user, product = buyer(http, points=1_000), ProductFactory(price=10, stock=1_000)
    calls = [lambda: http.charge(user, 3), lambda: http.order(user, {product.pk: 1})] * 40
    assert statuses(at_once(calls)) == {201: 80}
    assert http.get("points", user=user).json["balance"] == 1_000 + 40 * 3 - 40 * 10
    assert wrongs(stock={product.pk: 1_000}) == []


def test_baskets_in_opposite_order_do_not_deadlock(http: Client) -> None:
    a, b = ProductFactory.create_batch(2, price=1, stock=100)
    users = buyers(50, points=10)
    baskets = islice(cycle([{a.pk: 1, b.pk: 1}, {b.pk: 1, a.pk: 1}]), 50)
    answers = at_once(
        [
            lambda user=user, basket=basket: http.order(user, basket)
            for user, basket in zip(users, baskets, strict=True)
        ]
    )
    assert statuses(answers) == {201: 50}
    assert execute("SELECT DISTINCT stock FROM products_product") == [(50,)]
    assert wrongs(stock={a.pk: 100, b.pk: 100}) == []


REPRICE = """
    UPDATE products_product SET name = %s, price = %s
    WHERE id IN (SELECT id FROM products_product ORDER BY id FOR NO KEY UPDATE)"""
PAID = """
    SELECT DISTINCT array_agg(DISTINCT product_name || ' ' || unit_price)
    FROM orders_orderitem GROUP BY order_id"""


def mixed_orders() -> list[str]:
    """The orders that have something of before a change of prices beside something of after it."""
    return [each for (paid,) in execute(PAID) if paid not in (["10 10"], ["20 20"]) for each in paid]


def test_price_changing_under_orders_is_never_mixed(http: Client) -> None:
    """Names and prices of both products change together: an order has all of before or all of after."""
    a, b = ProductFactory.create_batch(2, name="10", price=10, stock=1_000)
    users = buyers(60, points=10_000)

    def reprice() -> None:
        for price in islice(cycle([20, 10]), 5):
            http.get("/livez")
            execute(REPRICE, str(price), price)

    orders = [lambda user=user: http.order(user, {b.pk: 1, a.pk: 1}) for user in users]
    answers = at_once([*orders[:20], reprice, *orders[20:40], reprice, *orders[40:]])
    assert codes([answer for answer in answers if answer is not None]) <= {"busy"}
    assert mixed_orders() == []
    assert wrongs(stock={a.pk: 1_000, b.pk: 1_000}) == []


def test_order_at_mixed_prices_would_be_noticed(http: Client) -> None:
    a, b = ProductFactory.create_batch(2, name="10", price=10)
    assert http.order(buyer(http), {a.pk: 1, b.pk: 1}).status == 201
    assert mixed_orders() == []
    execute("UPDATE orders_orderitem SET unit_price = 20, product_name = '20' WHERE product_id = %s", b.pk)
    assert mixed_orders() == ["10 10", "20 20"]


@pytest.mark.parametrize("how", ["sql", "service"])
def test_restocking_under_orders_loses_no_update(http: Client, how: str) -> None:
    product, users = ProductFactory(price=1, stock=20), buyers(60, points=10)

    def restock() -> Answer:
        if how == "sql":
            execute("UPDATE products_product SET stock = stock + 1")
        else:
            product_services.adjust_stock(product_id=product.pk, delta=1)
        return http.get("/livez")

    orders = [lambda user=user: http.order(user, {product.pk: 1}) for user in users]
    answers = at_once([call for order in orders[:30] for call in (order, restock)] + orders[30:])
    assert codes([each for each in answers if each.status != 200]) <= {"out_of_stock", "busy"}
    assert wrongs(stock={product.pk: 20 + 30}) == []
