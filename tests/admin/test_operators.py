"""The admin over real HTTP, beside the running shop: stale forms, restocking in a rush, hostile names."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from itertools import cycle
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import transaction

from backoffice import action_log
from coupons.factories import CouponFactory
from products.factories import ProductFactory
from products.models import Product
from tests.kit.client import Answer, Client
from tests.kit.database import execute, lock_waiters, nothing_written
from tests.kit.invariants import wrongs
from tests.kit.operator import Operator
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer, buyers, hold_coupon

WHY = {"reason": "입고"}
SCRIPT = "<script>alert('1')</script>"


@pytest.fixture
def operator(http: Client) -> Operator:
    return Operator(http).with_session()


def page_of(product: Product) -> str:
    return f"/admin/products/product/{product.pk}/change/"


def stock_of(product: Product) -> int:
    ((stock,),) = execute("SELECT stock FROM products_product WHERE id = %s", product.pk)
    return int(stock)


def test_operator_signs_in_through_the_form_alone(http: Client) -> None:
    somebody = Operator(http)
    assert http.get("/admin/products/product/").status == 302
    assert somebody.sign_in().status == 302
    assert somebody.open("/admin/products/product/")


def test_stock_changes_of_two_tabs_opened_before_an_order_both_apply(
    http: Client, operator: Operator
) -> None:
    user, product = buyer(http), ProductFactory(price=1, stock=10)
    first, second = operator.open(page_of(product)), operator.open(page_of(product))
    assert http.order(user, {product.pk: 3}).status == 201
    assert operator.send(first, stock_change=5, **WHY).status == 302
    assert operator.send(second, stock_change=-2, **WHY).status == 302
    assert stock_of(product) == 10 - 3 + 5 - 2
    assert wrongs(stock={product.pk: 10 + 5 - 2}) == []


def test_stale_form_that_changes_the_price_leaves_stock_and_other_fields(
    http: Client, operator: Operator
) -> None:
    user, product = buyer(http), ProductFactory(name="처음", price=1, stock=10)
    renaming, repricing = operator.open(page_of(product)), operator.open(page_of(product))
    assert http.order(user, {product.pk: 3}).status == 201
    assert operator.send(repricing, price=2).status == 302
    assert operator.send(renaming, stock_change=1, stock=10, units_sold=0, **WHY).status == 302
    assert execute("SELECT stock, units_sold FROM products_product") == [(8, 3)]
    assert wrongs(stock={product.pk: 11}) == []


def test_restocking_in_the_admin_under_orders_loses_no_update(http: Client, operator: Operator) -> None:
    product, users = ProductFactory(price=1, stock=20), buyers(60, points=10)
    tab = operator.open(page_of(product))

    def restock() -> int:
        return operator.send(tab, stock_change=1, **WHY).status

    orders = [lambda user=user: http.order(user, {product.pk: 1}).status for user in users]
    answers = at_once([call for order in orders[:30] for call in (order, restock)] + orders[30:])
    assert answers.count(302) == 30
    assert set(answers) <= {201, 302, 409}
    assert wrongs(stock={product.pk: 20 + 30}) == []


def test_price_changed_in_the_admin_under_orders_is_never_mixed(http: Client, operator: Operator) -> None:
    product, users = ProductFactory(name="10", price=10, stock=1_000), buyers(60, points=10_000)
    tabs = [operator.open(page_of(product)) for _ in range(10)]
    changes = [
        lambda tab=tab, price=price: operator.send(tab, name=price, price=price).status
        for tab, price in zip(tabs, cycle([20, 10]), strict=False)
    ]
    orders = [lambda user=user: http.order(user, {product.pk: 2}).status for user in users]
    calls: list[Callable[[], int]] = []
    for change in changes:
        calls += [*orders[:6], change]
        del orders[:6]
    answers = set(at_once(calls))
    assert {201, 302} <= answers <= {200, 201, 302, 503}  # 200: the form again, for somebody else was first
    lines = execute("SELECT product_name, unit_price FROM orders_orderitem")
    assert {(name, str(price)) for name, price in lines} <= {("10", "10"), ("20", "20")}
    assert wrongs(stock={product.pk: 1_000}) == []


def send_while(operator: Operator, product: Product, change: str, **fields: Any) -> Answer:
    """What a form is answered whose product somebody changes while it is being saved."""
    tab = operator.open(page_of(product))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            execute(f"UPDATE products_product SET {change}")
            waiting = pool.submit(operator.send, tab, **fields)
            until(lock_waiters)
        return waiting.result()


def test_save_of_a_form_during_an_order_keeps_the_order_s_change(operator: Operator) -> None:
    product = ProductFactory(price=1, stock=10)
    assert send_while(operator, product, "stock = stock - 3", price=2, stock_change=1, **WHY).status == 302
    assert execute("SELECT price, stock FROM products_product") == [(2, 8)]


def test_form_that_takes_units_an_order_just_took_is_shown_again(operator: Operator) -> None:
    product = ProductFactory(price=1, stock=10)
    answer = send_while(operator, product, "stock = stock - 7", stock_change=-5, **WHY)
    assert answer.status == 200
    assert stock_of(product) == 3


def test_same_price_saved_in_eight_tabs_at_once_is_logged_as_one_change(operator: Operator) -> None:
    product = ProductFactory(price=1000, stock=10)
    tabs = [(operator.open(page_of(product)), price) for price in range(2001, 2009)]
    answers = at_once([partial(operator.send, tab, price=price) for tab, price in tabs])
    assert sorted(answer.status for answer in answers) == [200] * 7 + [302]
    product.refresh_from_db()
    told = [action_log.describe(entry) for entry in LogEntry.objects.all()]
    assert told == [f"가격: 1,000원 → {product.price:,}원"]


def test_overwritten_stock_would_be_noticed(http: Client) -> None:
    """What a form that sent the stock it was opened with would do."""
    user, product = buyer(http), ProductFactory(price=1, stock=10)
    stale = stock_of(product)
    assert http.order(user, {product.pk: 3}).status == 201
    execute("UPDATE products_product SET stock = %s", stale + 5)
    assert wrongs(stock={product.pk: 10 + 5})


def test_quantity_raised_in_the_admin_reopens_a_sold_out_campaign(http: Client, operator: Operator) -> None:
    campaign, late = CouponFactory(quantity=1), buyer(http, points=0)
    tab = operator.open(f"/admin/coupons/coupon/{campaign.pk}/change/")
    assert http.post(f"coupons/{campaign.pk}/issue", user=buyer(http, points=0)).status == 201
    assert http.post(f"coupons/{campaign.pk}/issue", user=late).code == "coupon_sold_out"
    assert operator.send(tab, quantity=0).status == 200
    assert operator.send(tab, quantity=2).status == 302
    assert http.post(f"coupons/{campaign.pk}/issue", user=late).json["sequence"] == 2


PAGES = (
    "/admin/products/product/",
    "/admin/products/product/{product}/change/",
    "/admin/products/product/{product}/history/",
    "/admin/coupons/coupon/{coupon}/change/",
    "/admin/coupons/issuedcoupon/",
    "/admin/orders/order/{order}/change/",
    "/admin/users/user/{user}/change/",
    "/admin/points/pointaccount/{user}/change/",
    "/admin/",
)


def test_script_in_a_name_is_shown_and_never_run(http: Client, operator: Operator) -> None:
    user, product = buyer(http), ProductFactory(name=SCRIPT, price=1)
    execute("UPDATE users_user SET name = %s", SCRIPT)
    coupon = hold_coupon(http, user, name=SCRIPT)
    order = http.order(user, {product.pk: 1}, issued_coupon_id=coupon["id"]).json
    assert operator.send(operator.open(page_of(product)), stock_change=1, **WHY).status == 302
    ids = {"product": product.pk, "coupon": coupon["coupon_id"], "order": order["id"], "user": user.pk}
    texts = [operator.open(page.format(**ids)).text for page in PAGES]
    assert not [page for page, text in zip(PAGES, texts, strict=True) if SCRIPT in text]
    assert sum(shown_harmlessly(text) for text in texts) >= len(PAGES) - 2


def shown_harmlessly(text: str) -> bool:
    return escape(SCRIPT).replace("&#x27;", "'") in re.sub("&#(?:x27|39);", "'", text)


@pytest.mark.parametrize("table", ["users_user", "products_product", "coupons_coupon"])
def test_delete_of_a_row_with_orders_is_refused_after_the_confirmation(
    http: Client, operator: Operator, table: str
) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    coupon = hold_coupon(http, user)
    assert http.order(user, {product.pk: 1}, issued_coupon_id=coupon["id"]).status == 201
    ids = {"users_user": user.pk, "products_product": product.pk, "coupons_coupon": coupon["coupon_id"]}
    path = f"/admin/{table.replace('_', '/')}/{ids[table]}/delete/"
    token = operator.open("/admin/").fields()
    with nothing_written():
        assert operator.post(path, {**token, "post": "yes"}).status in {200, 403}
    assert wrongs() == []


def test_delete_of_an_unreferenced_row_needs_a_confirmation(operator: Operator) -> None:
    path = f"/admin/products/product/{ProductFactory().pk}/delete/"
    assert operator.post(path, {**operator.open(path).fields(), "post": "yes"}).status == 302
    assert not Product.objects.exists()


@pytest.mark.parametrize("table", ["points/pointaccount", "points/pointtransaction", "orders/order"])
def test_forged_forms_change_no_balance_ledger_or_order(http: Client, operator: Operator, table: str) -> None:
    user, product = buyer(http), ProductFactory(price=1)
    http.order(user, {product.pk: 1})
    key = "user_id" if "account" in table else "id"
    ((pk,),) = execute(f"SELECT max({key}) FROM {table.replace('/', '_')}")
    sums = {"balance": 1, "amount": 1, "total": 1}
    forged = {**operator.open("/admin/").fields(), **sums, "status": "paid", "user": user.pk, "post": "yes"}
    with nothing_written():
        for rest in (f"{pk}/change/", f"{pk}/delete/", "add/"):
            assert operator.post(f"/admin/{table}/{rest}", forged).status == 403


def test_form_without_the_token_of_its_page_changes_nothing(http: Client, operator: Operator) -> None:
    product = ProductFactory(stock=1)
    fields = operator.open(page_of(product)).fields()
    for stolen in ({}, {"csrfmiddlewaretoken": "x" * 64}):
        forged = {**fields, "stock_change": 9, **WHY, **stolen}
        if not stolen:
            del forged["csrfmiddlewaretoken"]
        assert operator.post(page_of(product), forged).status == 403
    assert stock_of(product) == 1
    assert operator.post(page_of(product), {**fields, "stock_change": 9, **WHY}).status == 302
    assert stock_of(product) == 10
