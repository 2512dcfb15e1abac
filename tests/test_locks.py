"""Who waits for whom: rows held by the test's own transaction, the shop asked over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import transaction

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests import processes
from tests.client import Answer, Client
from tests.database import contents, execute
from tests.invariants import broken_rules
from tests.scenes import at_once, buyer


@contextmanager
def held(table: str, column: str, value: int) -> Iterator[None]:
    """Keep one row locked inside the block."""
    with transaction.atomic():
        assert execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR NO KEY UPDATE", value)
        yield


def assert_busy(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "busy")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_user_whose_account_is_held_keeps_nobody_else_waiting(http: Client) -> None:
    """Were they to wait for the held row, they would be answered busy."""
    held_up, other = buyer(http), buyer(http)
    product = ProductFactory(price=1)
    with held("points_pointaccount", "user_id", held_up.pk):
        assert http.charge(other, 1).status == 201
        assert http.order(other, {product.pk: 1}).status == 201
        assert http.get("points", user=held_up).status == 200
        assert http.get("points/transactions", user=held_up).status == 200
    assert broken_rules() == []


def test_a_product_that_is_held_keeps_no_other_product_waiting(http: Client) -> None:
    user = buyer(http)
    held_up, other = ProductFactory.create_batch(2, price=1)
    with held("products_product", "id", held_up.pk):
        assert http.order(user, {other.pk: 1}).status == 201
        assert http.get(f"products/{held_up.pk}").status == 200
        assert (
            http.post(
                "orders/quote", {"items": [{"product_id": held_up.pk, "quantity": 1}]}, user=user
            ).status
            == 200
        )
    assert broken_rules() == []


def test_what_waits_for_a_held_row_is_told_to_come_again_and_may(http: Client) -> None:
    user, shopper, member = buyer(http), buyer(http), buyer(http)
    product, campaign = ProductFactory(price=1), CouponFactory()
    calls = [
        lambda: http.charge(user, 1, key="k"),
        lambda: http.order(shopper, {product.pk: 1}, key="k"),
        lambda: http.post(f"coupons/{campaign.pk}/issue", user=member),
    ]
    before = contents()
    with (
        held("points_pointaccount", "user_id", user.pk),
        held("products_product", "id", product.pk),
        held("coupons_coupon", "id", campaign.pk),
    ):
        answers = at_once(calls)
    for answer in answers:
        assert_busy(answer)
    assert contents() == before
    assert [call().status for call in calls] == [201, 201, 201]
    assert broken_rules() == []


@pytest.mark.parametrize("key", [None, "k"])
def test_what_waited_for_a_row_goes_on_once_it_is_free(http: Client, key: str | None) -> None:
    """The row is freed as soon as the charge is seen waiting for it."""
    user = buyer(http, points=5)
    with ThreadPoolExecutor(1) as pool:
        with held("points_pointaccount", "user_id", user.pk):
            waiting = pool.submit(http.charge, user, 10, key=key)
            processes.until(lambda: execute("SELECT 1 FROM pg_locks WHERE NOT granted"))
        assert waiting.result().json["balance_after"] == 15


def issue_while(http: Client, coupon: int, change: str) -> Answer:
    """What a caller is answered who waits for the campaign while an operator changes it."""
    user = buyer(http, points=0)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute(f"UPDATE coupons_coupon SET {change} WHERE id = %s", coupon)
            waiting = pool.submit(http.post, f"coupons/{coupon}/issue", user=user)
            processes.until(lambda: execute("SELECT 1 FROM pg_locks WHERE NOT granted"))
        return waiting.result()


def test_who_waits_for_a_campaign_gets_the_terms_it_has_then(http: Client) -> None:
    campaign = CouponFactory(discount_value=50)
    issued = issue_while(http, campaign.pk, "discount_value = 10, name = 'new'").json
    assert (issued["discount_value"], issued["name"], issued["sequence"]) == (10, "new", 1)


def test_who_waits_for_a_campaign_that_closes_gets_nothing(http: Client) -> None:
    campaign = CouponFactory()
    assert issue_while(http, campaign.pk, "closes_at = now()").code == "coupon_not_open"
    assert execute("SELECT issued FROM coupons_coupon") == [(0,)]
    assert broken_rules() == []


def test_who_waits_for_a_product_pays_the_price_it_has_then(http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=5)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute("UPDATE products_product SET price = 70")
            waiting = pool.submit(http.order, user, {product.pk: 2})
            processes.until(lambda: execute("SELECT 1 FROM pg_locks WHERE NOT granted"))
        order = waiting.result().json
    assert (order["items"][0]["unit_price"], order["total"]) == (70, 140)
    assert broken_rules(stock={product.pk: 5}) == []
