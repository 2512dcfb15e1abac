"""Who may do what: each role on each page."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from coupons.models import Coupon
from orders.models import OrderEvent
from products.models import Product
from tests.kit.backoffice import page_of
from users.models import User as Member

pytestmark = pytest.mark.django_db

SHOP = [
    "users_user",
    "products_product",
    "points_pointaccount",
    "points_pointtransaction",
    "coupons_coupon",
    "coupons_issuedcoupon",
    "orders_order",
    "orders_orderevent",
    "admin_logentry",
]
CHANGED_BY = {
    "viewer": set(),
    "merchandiser": {"products_product", "coupons_coupon"},
    "operator": {"products_product", "coupons_coupon", "users_user"},
}
FORMS = {
    "users_user": {"name": "새 이름"},
    "products_product": {"name": "새 이름", "price": 1, "stock": 1},
    "coupons_coupon": {"name": "새 이름", "discount_type": "fixed", "discount_value": 1, "quantity": 9},
}
MODELS = {"users_user": Member, "products_product": Product, "coupons_coupon": Coupon}


@pytest.mark.django_db(transaction=True)  # the first page reads in a transaction of its own
@pytest.mark.parametrize("role", CHANGED_BY)
def test_role_sees_the_whole_shop_and_no_staff_accounts(staff_of, bought, role):
    browser = staff_of(role)
    assert browser.get(reverse("admin:index")).status_code == 200
    for table in SHOP:
        assert browser.get(reverse(f"admin:{table}_changelist")).status_code == 200, table
    for table in ("auth_user", "auth_group"):
        assert browser.get(reverse(f"admin:{table}_changelist")).status_code == 403


@pytest.mark.parametrize("table", FORMS)
@pytest.mark.parametrize("role", CHANGED_BY)
def test_role_adds_changes_and_deletes_what_is_its_own_and_nothing_else(staff_of, bought, role, table):
    browser, row, may = staff_of(role), MODELS[table].objects.get(), table in CHANGED_BY[role]
    added = browser.post(reverse(f"admin:{table}_add"), FORMS[table]).status_code
    changed = browser.post(page_of(row), FORMS[table]).status_code
    assert (added, changed) == ((302, 302) if may else (403, 403))
    assert MODELS[table].objects.filter(name="새 이름").count() == (2 if may else 0)
    assert LogEntry.objects.count() == (2 if may else 0)
    newest = MODELS[table].objects.latest("pk")
    deleted = browser.post(page_of(newest, "delete"), {"post": "yes"}).status_code
    assert deleted == (302 if may else 403)


@pytest.mark.parametrize("role", CHANGED_BY)
def test_stock_changes_are_for_roles_that_may_change_products(staff_of, bought, role):
    fields = {"name": bought.name, "price": 1000, "stock_change": 5, "reason": "입고"}
    staff_of(role).post(page_of(bought), fields)
    assert Product.objects.get().stock == (8 if role == "viewer" else 13)


@pytest.mark.parametrize("role", CHANGED_BY)
def test_redelivery_is_for_operators_alone(staff_of, bought, role):
    OrderEvent.objects.update(state="dead")
    browser, events = staff_of(role), reverse("admin:orders_orderevent_changelist")
    button = reverse("admin:orders_orderevent_redeliver_dead") in browser.get(events).content.decode()
    browser.post(events, {"action": "redeliver", "_selected_action": [OrderEvent.objects.get().pk]})
    selected = OrderEvent.objects.get().state
    OrderEvent.objects.update(state="dead")
    status = browser.post(reverse("admin:orders_orderevent_redeliver_dead")).status_code
    expected = (True, "pending", 302) if role == "operator" else (False, "dead", 403)
    assert (button, selected, status) == expected


@pytest.mark.django_db(transaction=True)  # the first page reads in a transaction of its own
@pytest.mark.parametrize("role", CHANGED_BY)
def test_sidebar_leads_only_where_the_role_may_go(staff_of, role):
    page = staff_of(role).get(reverse("admin:index")).content.decode()
    assert all(reverse(f"admin:{table}_changelist") in page for table in SHOP)
    assert reverse("admin:auth_user_changelist") not in page


def test_staff_account_without_a_role_sees_nothing(client):
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    for table in SHOP:
        assert client.get(reverse(f"admin:{table}_changelist")).status_code == 403


def test_member_s_id_opens_no_page_of_the_admin(client, bought):
    answer = client.get(reverse("admin:orders_order_changelist"), headers={"X-User-Id": "1"})
    assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("admin:login"))


def test_role_is_given_to_a_staff_account_on_its_page(staff_of, admin_client):
    staff_of("viewer")
    account, role = User.objects.get(username="viewer"), Group.objects.get(name="operator")
    admin_client.force_login(User.objects.get(username="admin"))
    page = admin_client.get(page_of_account(account)).content.decode()
    assert all(name in page for name in ("조회 담당", "상품 담당", "운영 담당"))
    fields = {"username": "viewer", "groups": [role.pk], "is_active": "on", "is_staff": "on"}
    assert admin_client.post(page_of_account(account), fields).status_code == 302
    assert list(account.groups.all()) == [role]


def test_new_staff_account_may_sign_in_and_see_nothing_yet(admin_client):
    password = {"password1": "correct horse battery", "password2": "correct horse battery"}
    fields = {"username": "new", "usable_password": "true", **password}
    assert admin_client.post(reverse("admin:auth_user_add"), fields).status_code == 302
    assert User.objects.filter(username="new", is_staff=True, is_superuser=False).exists()


def page_of_account(account):
    return reverse("admin:auth_user_change", args=[account.pk])


# Exports read in a transaction of their own.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", FORMS)
@pytest.mark.parametrize("role", CHANGED_BY)
def test_role_imports_what_it_may_add_and_change_and_exports_what_it_sees(staff_of, role, table):
    browser, may = staff_of(role), table in CHANGED_BY[role]
    pages = {page: reverse(f"admin:{table}_{page}") for page in ("import", "process_import", "export")}
    listed = browser.get(reverse(f"admin:{table}_changelist")).content.decode()
    assert (pages["import"] in listed, pages["export"] in listed) == (may, True)
    assert browser.get(pages["import"]).status_code == (200 if may else 403)
    assert browser.post(pages["process_import"]).status_code == (302 if may else 403)
    assert browser.post(pages["export"], {"format": "0"}).status_code == 200


def test_role_s_page_names_it_and_offers_no_right_that_no_page_asks_for(staff_of, admin_client):
    staff_of("viewer")
    admin_client.force_login(User.objects.get(username="admin"))
    page = admin_client.get(page_of(Group.objects.get(name="viewer"))).content.decode()
    assert "조회 담당" in page
    assert 'name="name"' not in page
    offered = (
        admin_client.get(reverse("admin:auth_group_add")).context["adminform"].form.fields["permissions"]
    )
    codes = set(offered.queryset.values_list("codename", flat=True))
    assert {"view_order", "view_logentry", "change_product", "redeliver_orderevent"} <= codes
    assert not codes & {"add_order", "change_pointtransaction", "delete_logentry", "delete_orderevent"}


def test_staff_account_s_page_says_whether_it_has_a_password_and_nothing_of_it(admin_client, admin_user):
    admin_user.set_password("a long one that nobody guesses")
    admin_user.save()
    admin_client.force_login(admin_user)
    page = admin_client.get(page_of(admin_user)).content.decode()
    assert "설정됨 · " in page
    assert reverse("admin:auth_user_password_change", args=[admin_user.pk]) in page
    assert "pbkdf2" not in page


def test_role_keeps_rights_that_its_page_does_not_offer(admin_client):
    """An engineer may give a role rights that no page asks for; what an operator saves leaves them."""
    role, codes = Group.objects.create(name="role"), ["view_product", "view_coupon", "view_session"]
    role.permissions.set(Permission.objects.filter(codename__in=codes))
    rights = set(role.permissions.values_list("pk", flat=True))
    offered = admin_client.get(page_of(role)).context["adminform"].form.initial["permissions"]
    kept, taken = [right.pk for right in offered[1:]], offered[0]

    admin_client.post(page_of(role), {"name": role.name, "permissions": kept})

    assert set(role.permissions.values_list("pk", flat=True)) == rights - {taken.pk}
    (part,) = json.loads(LogEntry.objects.get().change_message)
    assert "session" not in str(part), "the log tells of a right that stayed"
