"""The operator's pages: seeding, restocking, and history that can only be read."""

import pytest
from django.contrib.admin.sites import site
from django.urls import reverse

import orders.services
from coupons.factories import CouponFactory
from coupons.models import Coupon
from coupons.services import issue
from orders.services import Basket
from points.models import PointAccount
from points.services import charge
from products.factories import ProductFactory
from products.models import Product
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

HISTORY = ["points_pointaccount", "points_pointtransaction", "coupons_issuedcoupon", "orders_order"]


@pytest.fixture
def bought():
    """Somebody who charged, took a coupon and bought."""
    user, product = UserFactory(), ProductFactory(price=1000, stock=10)
    charge(user_id=user.pk, amount=10_000)
    issued = issue(user_id=user.pk, coupon_id=CouponFactory().pk)
    orders.services.checkout(basket=Basket(user.pk, {product.pk: 2}, issued.pk))
    return product


def change(browser, instance, **fields):
    url = reverse(f"admin:{instance._meta.db_table}_change", args=[instance.pk])
    return browser.post(url, fields)


def test_a_member_is_added_with_the_name_trimmed_and_composed(admin_client):
    admin_client.post(reverse("admin:users_user_add"), {"name": "  김하나 "})
    assert User.objects.get().name == "김하나"


@pytest.mark.parametrize("name", ["", "   ", "가" * 101])
def test_a_name_out_of_bounds_is_refused_by_the_form(admin_client, name):
    answer = admin_client.post(reverse("admin:users_user_add"), {"name": name})
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_a_product_is_added_with_its_stock(admin_client):
    admin_client.post(reverse("admin:products_product_add"), {"name": "라떼", "price": 5000, "stock": 7})
    assert Product.objects.values_list("name", "price", "stock").get() == ("라떼", 5000, 7)


def test_two_tabs_that_restock_beside_an_order_both_count(admin_client, bought):
    change(admin_client, bought, name="새 이름", price=1000, stock_change=5)
    change(admin_client, bought, name="새 이름", price=1000, stock_change=-1)
    bought.refresh_from_db()
    assert (bought.stock, bought.units_sold, bought.name) == (12, 2, "새 이름")


def test_a_stock_sent_by_a_stale_form_is_not_written(admin_client, bought):
    change(admin_client, bought, name=bought.name, price=1000, stock=10, stock_change="")
    assert Product.objects.get().stock == 8


def test_more_than_is_left_cannot_be_taken_off(admin_client, bought):
    answer = change(admin_client, bought, name=bought.name, price=1000, stock_change=-9)
    assert "지금 남은 재고는 8개예요" in answer.content.decode()
    assert Product.objects.get().stock == 8


@pytest.mark.parametrize("much", [2**63 - 1, 10**20])
def test_more_than_a_shelf_can_hold_cannot_be_added(admin_client, bought, much):
    assert change(admin_client, bought, name=bought.name, price=1000, stock_change=much).status_code == 200
    assert Product.objects.get().stock == 8


def test_a_campaign_is_edited_without_touching_what_was_issued(admin_client, bought):
    coupon = Coupon.objects.get()
    fields = {"name": "봄", "discount_type": "percent", "discount_value": 20, "quantity": 200, "issued": 0}
    change(admin_client, coupon, **fields)
    coupon.refresh_from_db()
    assert (coupon.name, coupon.quantity, coupon.issued) == ("봄", 200, 1)


def test_a_quantity_below_what_is_issued_is_refused_by_the_form(admin_client, bought):
    coupon = Coupon.objects.get()
    fields = {"name": "봄", "discount_type": "percent", "discount_value": 20, "quantity": 0}
    assert change(admin_client, coupon, **fields).status_code == 200
    coupon.refresh_from_db()
    assert coupon.quantity == 100


@pytest.mark.parametrize("table", HISTORY)
def test_history_can_be_read_and_neither_added_changed_nor_deleted(admin_client, bought, table):
    model = next(model for model in site._registry if model._meta.db_table == table)
    row = model.objects.get() if table != "points_pointtransaction" else model.objects.first()
    assert admin_client.get(reverse(f"admin:{table}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"admin:{table}_change", args=[row.pk])).status_code == 200
    assert admin_client.post(reverse(f"admin:{table}_change", args=[row.pk]), {}).status_code == 403
    assert admin_client.get(reverse(f"admin:{table}_add")).status_code == 403
    assert admin_client.post(reverse(f"admin:{table}_delete", args=[row.pk])).status_code == 403


@pytest.mark.parametrize("table", ["users_user", "products_product", "coupons_coupon"])
def test_what_history_refers_to_cannot_be_deleted(admin_client, bought, table):
    model = next(model for model in site._registry if model._meta.db_table == table)
    row = model.objects.get()
    admin_client.post(reverse(f"admin:{table}_delete", args=[row.pk]), {"post": "yes"})
    assert model.objects.filter(pk=row.pk).exists()


def test_no_page_of_the_admin_can_change_a_balance(admin_client, bought):
    account = PointAccount.objects.get()
    change(admin_client, account, balance=1)
    assert PointAccount.objects.get().balance == account.balance


@pytest.mark.parametrize("model", list(site._registry), ids=lambda model: model._meta.db_table)
def test_every_list_opens_and_can_be_searched(admin_client, bought, model):
    url = reverse(f"admin:{model._meta.db_table}_changelist")
    assert admin_client.get(url).status_code == 200
    assert admin_client.get(url, {"q": "<script>'"}).status_code == 200
