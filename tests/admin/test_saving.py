"""What operators put in and change: nothing that happens meanwhile is lost, and all of it is logged."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.models import User as StaffAccount
from django.urls import reverse

from backoffice import action_log
from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.kit.backoffice import change, page_of
from tests.kit.client import Client
from users.factories import UserFactory
from users.models import User

pytestmark = pytest.mark.django_db

CAMPAIGN = {"name": "봄", "discount_type": "percent", "discount_value": 20}


def test_member_is_added_with_the_name_trimmed_and_composed(admin_client):
    admin_client.post(reverse("admin:users_user_add"), {"name": "  김하나 "})
    assert User.objects.get().name == "김하나"


@pytest.mark.parametrize("name", ["", "   ", "가" * 101])
def test_name_out_of_bounds_is_refused_by_the_form(admin_client, name):
    answer = admin_client.post(reverse("admin:users_user_add"), {"name": name})
    assert answer.status_code == 200
    assert not User.objects.exists()


def test_product_is_added_with_its_stock(admin_client):
    admin_client.post(reverse("admin:products_product_add"), {"name": "라떼", "price": 5000, "stock": 7})
    assert Product.objects.values_list("name", "price", "stock").get() == ("라떼", 5000, 7)


def test_stock_changes_of_two_tabs_beside_an_order_both_count(admin_client, bought):
    change(admin_client, bought, name="새 이름", price=1000, stock_change=5, reason="입고")
    change(admin_client, bought, name="새 이름", price=1000, stock_change=-1, reason="파손")
    bought.refresh_from_db()
    assert (bought.stock, bought.units_sold, bought.name) == (12, 2, "새 이름")


def form_on(page):
    """What a browser would send back from the page, untouched."""
    form = page.context["adminform"].form
    sent = {}
    for field in form:
        sent[field.html_name] = field.value()
        if field.field.show_hidden_initial:
            sent[field.html_initial_name] = field.field.hidden_widget().format_value(field.value())
    return {name: "" if value is None else value for name, value in sent.items()}


def test_edits_of_different_fields_by_two_operators_both_count(admin_client, bought):
    first = form_on(admin_client.get(page_of(bought)))
    second = form_on(admin_client.get(page_of(bought)))
    change(admin_client, bought, **{**first, "price": 1200})
    change(admin_client, bought, **{**second, "name": "새 이름"})
    bought.refresh_from_db()
    assert (bought.name, bought.price) == ("새 이름", 1200)
    assert "Price" not in LogEntry.objects.latest("pk").change_message


def test_edits_of_one_field_by_two_operators_do_not_overwrite_each_other(admin_client, bought):
    first = form_on(admin_client.get(page_of(bought)))
    second = form_on(admin_client.get(page_of(bought)))
    change(admin_client, bought, **{**first, "price": 1200})
    answer = change(admin_client, bought, **{**second, "price": 900})
    assert "그사이에 다른 관리자가 바꿨어요." in answer.content.decode()
    assert Product.objects.get().price == 1200


@pytest.fixture
def anna():
    """A staff account with two roles."""
    account = StaffAccount.objects.create_user("anna", is_staff=True)
    account.groups.set([Group.objects.create(name=name) for name in ("one", "two")])
    return account


def test_stale_account_form_does_not_bring_a_dismissed_account_back(admin_client, anna):
    stale = form_on(admin_client.get(page_of(anna)))
    change(admin_client, anna, **{**stale, "is_active": "", "is_staff": "", "groups": []})
    answer = change(admin_client, anna, **{**stale, "email": "anna@example.com"})
    anna.refresh_from_db()
    assert (answer.status_code, anna.email) == (302, "anna@example.com")
    assert (anna.is_active, anna.is_staff, [*anna.groups.all()]) == (False, False, [])


def test_stale_account_form_is_refused_where_both_changed_the_roles(admin_client, anna):
    role, stale = anna.groups.first(), form_on(admin_client.get(page_of(anna)))
    change(admin_client, anna, **{**stale, "groups": []})
    answer = change(admin_client, anna, **{**stale, "groups": [role.pk]})
    assert "그사이에 다른 관리자가 바꿨어요." in answer.content.decode()
    assert [*anna.groups.all()] == []


def test_stale_role_form_does_not_give_a_withdrawn_right_back(admin_client):
    role = Group.objects.create(name="role")
    view, add, change_ = Permission.objects.filter(codename__endswith="_product").order_by("codename")[:3]
    role.permissions.set([view, add])
    stale = form_on(admin_client.get(page_of(role)))
    change(admin_client, role, **{**stale, "permissions": [view.pk]})
    answer = change(admin_client, role, **{**stale, "permissions": [view.pk, add.pk, change_.pk]})
    assert "그사이에 다른 관리자가 바꿨어요." in answer.content.decode()
    change(admin_client, role, **{**stale, "name": "renamed"})
    assert (Group.objects.get(pk=role.pk).name, [*role.permissions.all()]) == ("renamed", [view])


def test_form_refused_once_still_tells_a_first_role_from_none(admin_client, anna):
    """Django would take the typed roles for the initial ones where those were none."""
    role = anna.groups.first()
    anna.groups.clear()
    typed = {**form_on(admin_client.get(page_of(anna))), "groups": [role.pk]}
    refused = change(admin_client, anna, **{**typed, "email": "no address"})
    assert 'name="initial-groups" value=""' in refused.content.decode()
    change(admin_client, anna, **typed)
    assert [*anna.groups.all()] == [role]


def test_campaign_is_checked_with_what_another_operator_saved_meanwhile(admin_client, bought):
    coupon = Coupon.objects.get()
    change(admin_client, coupon, **CAMPAIGN, quantity=100)
    stale = form_on(admin_client.get(page_of(coupon)))
    change(admin_client, coupon, **{**stale, "discount_type": "fixed"})
    answer = change(admin_client, coupon, **{**stale, "max_discount": 1000})
    assert "정액은 1원 이상" in answer.content.decode()


def test_campaign_is_renamed_on_a_page_whose_quantity_others_raised_and_issued(admin_client, bought):
    coupon = Coupon.objects.get()
    stale = form_on(admin_client.get(page_of(coupon)))
    Coupon.objects.filter(pk=coupon.pk).update(quantity=500, issued=int(stale["quantity"]) + 1)
    assert change(admin_client, coupon, **{**stale, "name": "renamed"}).status_code == 302
    coupon.refresh_from_db()
    assert (coupon.name, coupon.quantity) == ("renamed", 500)


def test_form_sends_initial_values_along(admin_client, bought):
    page = admin_client.get(page_of(bought)).content.decode()
    assert all(f'name="initial-{name}"' in page for name in ("name", "price"))


def test_stock_sent_by_a_stale_form_is_not_written(admin_client, bought):
    change(admin_client, bought, name=bought.name, price=1000, stock=10, stock_change="")
    assert Product.objects.get().stock == 8


def test_stock_does_not_change_without_a_reason(admin_client, bought):
    answer = change(admin_client, bought, name=bought.name, price=1000, stock_change=5, reason=" ")
    assert "재고를 바꾸는 사유를 적어 주세요." in answer.content.decode()
    assert Product.objects.get().stock == 8


def test_change_of_stock_is_logged_with_all_there_is_to_know(admin_client, bought):
    change(admin_client, bought, name=bought.name, price=1200, stock_change=1500, reason="입고")
    entry = LogEntry.objects.get()
    assert json.loads(entry.change_message)[1]["changes"] == {
        "model": "products.product",
        "fields": [{"field": "stock", "old": {"units": 8}, "new": {"units": 1508}}],
        "reason": "입고",
    }
    assert action_log.describe(entry) == "가격: 1,000원 → 1,200원 · 재고: 8개 → 1,508개 (사유: 입고)"


def test_history_of_a_product_shows_its_stock_in_both_languages_newest_first(admin_client, bought):
    for by, reason in ((5, "입고"), (-2, "파손")):
        change(admin_client, bought, name=bought.name, price=1000, stock_change=by, reason=reason)
    url = page_of(bought, "history")
    korean = admin_client.get(url).content.decode()
    assert korean.index("재고: 13개 → 11개 (사유: 파손)") < korean.index("재고: 8개 → 13개")
    assert (
        "Stock: 8 units → 13 units (reason: 입고)"
        in admin_client.get(url, HTTP_ACCEPT_LANGUAGE="en").content.decode()
    )


def test_stock_change_below_0_is_refused(admin_client, bought):
    answer = change(admin_client, bought, name=bought.name, price=1000, stock_change=-9, reason="파손")
    assert "지금 남은 재고는 8개예요" in answer.content.decode()
    assert Product.objects.get().stock == 8


@pytest.mark.parametrize(("sent", "kept"), [("50", 50), ("0", 0), ("", None), ("-1", 7)])
def test_low_stock_threshold_is_0_or_more_or_the_shop_s(admin_client, bought, sent, kept):
    Product.objects.update(low_stock_threshold=7)
    form = form_on(admin_client.get(page_of(bought)))
    change(admin_client, bought, **{**form, "low_stock_threshold": sent})
    assert Product.objects.get().low_stock_threshold == kept


@pytest.mark.parametrize("much", [2**63 - 1, 10**20])
def test_stock_change_past_the_largest_number_is_refused(admin_client, bought, much):
    answer = change(admin_client, bought, name=bought.name, price=1000, stock_change=much, reason="입고")
    assert answer.status_code == 200
    assert Product.objects.get().stock == 8


def test_edit_of_a_campaign_leaves_issued_coupons_unchanged(admin_client, bought):
    coupon = Coupon.objects.get()
    change(admin_client, coupon, **CAMPAIGN, quantity=200, issued=0)
    coupon.refresh_from_db()
    assert (coupon.name, coupon.quantity, coupon.issued) == ("봄", 200, 1)


def test_quantity_below_what_is_issued_is_refused_by_the_form(admin_client, bought):
    coupon = Coupon.objects.get()
    answer = change(admin_client, coupon, **CAMPAIGN, quantity=0)
    assert "이미 1장을 발급했어요." in answer.content.decode()
    coupon.refresh_from_db()
    assert coupon.quantity == 100


def test_campaign_page_counts_issued_left_and_used_coupons_and_links_to_holders(admin_client, bought):
    coupon = Coupon.objects.get()
    page = admin_client.get(page_of(coupon))
    fields = [each for fieldset in page.context["adminform"] for line in fieldset for each in line]
    shown = {each.field["name"]: str(each.contents()) for each in fields if hasattr(each, "contents")}
    assert (shown["given"], shown["left"], shown["used"]) == ("1", "99", "1 (100.0%)")
    assert f"/admin/coupons/issuedcoupon/?coupon__id__exact={coupon.pk}" in shown["holders"]


def test_quantity_of_a_sold_out_coupon_raised_in_the_admin_reopens_it_at_once(http: Client, admin_client):
    coupon, first, second = CouponFactory(quantity=1), UserFactory(), UserFactory()
    assert http.post(f"coupons/{coupon.pk}/issue", user=first).status == 201
    assert http.post(f"coupons/{coupon.pk}/issue", user=second).code == "coupon_sold_out"
    change(admin_client, coupon, **CAMPAIGN, quantity=2)
    assert http.post(f"coupons/{coupon.pk}/issue", user=second).json["sequence"] == 2


@pytest.mark.parametrize("factory", [UserFactory, ProductFactory, CouponFactory])
def test_delete_of_an_unreferenced_row_is_logged(admin_client, factory):
    row = factory()
    admin_client.post(page_of(row, "delete"), {"post": "yes"})
    assert not type(row).objects.exists()
    assert LogEntry.objects.get().is_deletion()
