"""What the log says of each kind of change: from what to what."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from backoffice import action_log
from backoffice.formatting import shortened
from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.kit.backoffice import change, page_of
from tests.kit.database import execute

pytestmark = pytest.mark.django_db


def said(*parts, language="ko"):
    with translation.override(language):
        return action_log.describe(LogEntry(change_message=json.dumps(parts)))


def newest(language="ko"):
    with translation.override(language):
        return action_log.describe(LogEntry.objects.latest("pk"))


@pytest.mark.parametrize(
    ("of", "before", "after", "korean"),
    [
        (Product, {"price": 7500}, {"price": 8200}, "가격: 7,500원 → 8,200원"),
        (Product, {"stock": 34}, {"stock": 1084}, "재고: 34개 → 1,084개"),
        (Product, {"name": "라떼", "price": 1}, {"name": "모카", "price": 1}, "상품명: 라떼 → 모카"),
        (Coupon(discount_type="fixed"), {"discount_value": 500}, {"discount_value": 900}, "500원 → 900원"),
        (Coupon(discount_type="percent"), {"discount_value": 5}, {"discount_value": 9}, "5% → 9%"),
        (
            Coupon(),
            {"discount_type": "fixed", "discount_value": 500},
            {"discount_type": "percent", "discount_value": 10},
            "할인 방식: 정액 → 정률 · 할인 금액 또는 할인율: 500원 → 10%",
        ),
        (Coupon, {"max_discount": None}, {"max_discount": 3000}, "없음 → 3,000원"),
        (Coupon, {"opens_at": None}, {"opens_at": "2026-11-27 15:00:05+00:00"}, "없음 → 2026-11-28 00:00:05"),
        (User, {"is_active": True}, {"is_active": False}, "예 → 아니요"),
        (User, {"password": "old"}, {"password": "new"}, "비밀번호 변경"),
    ],
)
def test_changed_fields_are_worded_with_their_units(of, before, after, korean):
    part = action_log.changes(of, before, after)
    assert korean in said(part)


def test_change_of_a_campaign_s_kind_gives_each_discount_its_own_unit_in_english():
    before, after = {"closes_at": datetime(2026, 11, 27, 15, tzinfo=UTC)}, {"closes_at": None}
    assert said(action_log.changes(Coupon, before, after), language="en").endswith("→ none")


@pytest.mark.parametrize(
    "message", ["", "text by hand", "{}", "3", "[3]", '[{"changed": {"fields": ["Price"]}}]']
)
def test_entries_of_other_makers_are_worded_as_django_does(message):
    assert action_log.describe(LogEntry(change_message=message)) is not None


@pytest.mark.parametrize(
    "message",
    [
        "[" * 3_000,
        "[" * 3_000 + "]" * 3_000,
        "[" + "9" * 100_000 + "]",
        '["added", 5]',
        '[{"changes": 5}]',
        '[{"changes": {"model": 5, "fields": [5]}}]',
        '[{"changes": {"model": "products.product", "fields": [{"field": "price", "new": {"won": "x"}}]}}]',
        '[{"changes": {"model": "products.product", "fields": [{"field": "price", "new": [1]}]}}]',
        '[{"detail": {"text": "{rows:,}", "values": {}}}]',
        r'[{"detail": {"text": "\ud83d", "values": {}}}]',
        '[{"changed": 5}]',
        '[{"other": "<b>"}]',
    ],
    ids=lambda message: message[:60],
)
def test_entry_of_an_unknown_form_is_shown_as_its_text(admin_client, admin_user, message):
    product = ProductFactory()
    action_log.log_rows(staff_id=admin_user.pk, rows=[(product, [])])
    LogEntry.objects.update(change_message=message)
    for page in (reverse("admin:admin_logentry_changelist"), page_of(product, "history")):
        assert escape(shortened(message)) in admin_client.get(page).content.decode()


def test_saved_form_logs_what_was_replaced_and_nothing_that_stayed(admin_client):
    product = ProductFactory(name="라떼", price=7500, stock=1)
    change(admin_client, product, name="라떼", price=8200)
    assert newest() == "가격: 7,500원 → 8,200원"
    assert newest("en") == "Price: ₩7,500 → ₩8,200"


def test_campaign_s_form_logs_seoul_time(admin_client):
    coupon = CouponFactory(name="봄", discount_type="fixed", discount_value=500, quantity=10)
    fields = {"name": "봄", "discount_type": "fixed", "discount_value": 500, "quantity": 20}
    change(admin_client, coupon, **fields, opens_at_0="2026-11-28", opens_at_1="00:00:00")
    assert "2026-11-28 00:00:00" in newest()
    assert "수량: 10장 → 20장" in newest()


def test_roles_of_an_account_are_logged_by_name_and_never_its_password(admin_client):
    viewer, operator = (Group.objects.get_or_create(name=name)[0] for name in ("viewer", "operator"))
    account = User.objects.create_user("other", password="old password", is_staff=True)
    account.groups.add(viewer)
    url = reverse("admin:auth_user_change", args=[account.pk])
    fields = {"username": "other", "is_active": "on", "is_staff": "on", "email": "a@example.com"}
    admin_client.post(url, {**fields, "groups": [operator.pk]})
    assert "운영 담당 추가, 조회 담당 제외" in newest()
    assert "없음 → a@example.com" in newest()
    password = {"password1": "new password here", "password2": "new password here", "usable_password": "true"}
    admin_client.post(reverse("admin:auth_user_password_change", args=[account.pk]), password)
    assert newest() == "비밀번호 변경"
    account.refresh_from_db()
    logged = "".join(LogEntry.objects.values_list("change_message", flat=True))
    assert not [word for word in ("password here", account.password, "pbkdf2") if word in logged]


def test_added_row_is_logged_with_its_values(admin_client):
    admin_client.post(
        reverse("admin:products_product_add"), {"name": "제주 라떼", "price": 7500, "stock": 1034}
    )
    entry = LogEntry.objects.get(action_flag=ADDITION)
    assert action_log.describe(entry).endswith("상품명: 제주 라떼 · 가격: 7,500원 · 재고: 1,034개")
    assert "Price: ₩7,500" in newest("en")
    assert "→" not in newest()
    assert "제주" in entry.change_message  # without escapes, which the index of fields would not take


def test_added_account_is_logged_without_its_password(admin_client):
    password = {"password1": "correct horse battery", "password2": "correct horse battery"}
    admin_client.post(
        reverse("admin:auth_user_add"), {"username": "anna", "usable_password": "true", **password}
    )
    entry = LogEntry.objects.get(action_flag=ADDITION)
    assert "anna" in action_log.describe(entry)
    account = User.objects.get(username="anna")
    assert not [word for word in ("horse", account.password, "pbkdf2") if word in entry.change_message]


def test_change_of_one_s_own_password_is_logged_without_it(client):
    account = User.objects.create_user("otto", password="correct horse", is_staff=True)
    client.force_login(account)
    new = {"new_password1": "fresh battery staple", "new_password2": "fresh battery staple"}
    client.post(reverse("admin:password_change"), {"old_password": "wrong", **new})
    assert not LogEntry.objects.exists()
    client.post(reverse("admin:password_change"), {"old_password": "correct horse", **new})
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, newest()) == (account, str(account.pk), "비밀번호 변경")
    account.refresh_from_db()
    assert not [word for word in ("horse", "battery", account.password) if word in entry.change_message]


def test_one_s_own_password_that_cannot_be_logged_does_not_change(client):
    account = User.objects.create_user("otto", password="correct horse", is_staff=True)
    client.force_login(account)
    execute("ALTER TABLE django_admin_log ADD CONSTRAINT is_full CHECK (false) NOT VALID")
    new = {"new_password1": "fresh battery staple", "new_password2": "fresh battery staple"}
    with pytest.raises(IntegrityError):
        client.post(reverse("admin:password_change"), {"old_password": "correct horse", **new})
    account.refresh_from_db()
    assert account.check_password("correct horse")


def test_password_taken_from_another_account_is_logged(admin_client):
    account = User.objects.create_user("other", password="correct horse", is_staff=True)
    url = reverse("admin:auth_user_password_change", args=[account.pk])
    admin_client.post(url, {"usable_password": "false", "unset-password": "1"})
    account.refresh_from_db()
    assert not account.has_usable_password()
    assert (LogEntry.objects.get().object_id, newest()) == (str(account.pk), "비밀번호 변경")


def test_password_is_no_initial_value():
    assert not action_log.initial_values(User(), {"password": "secret"})[action_log.CHANGES]["fields"]


def test_permissions_of_a_role_are_logged_by_name(admin_client):
    role, allowed = Group.objects.create(name="clerk"), Permission.objects.get(codename="change_product")
    url = reverse("admin:auth_group_change", args=[role.pk])
    admin_client.post(url, {"name": "desk", "permissions": [allowed.pk]})
    assert "이름: clerk → desk" in newest()
    assert "상품: 수정 추가" in newest()
    assert "product: change" in newest("en")


def test_right_that_concerns_no_kind_of_row_is_logged_by_name(admin_client):
    role, allowed = Group.objects.create(name="clerk"), Permission.objects.get(codename="export_lists")
    admin_client.post(
        reverse("admin:auth_group_change", args=[role.pk]), {"name": "clerk", "permissions": [allowed.pk]}
    )
    assert "Export lists and sales" in newest("en")
    assert "export_lists" not in newest() + newest("en")


def test_rows_are_logged_by_one_statement_for_a_thousand(admin_user, django_assert_num_queries):
    rows = [(product, [action_log.changes(product, {"price": 1}, {"price": 2})]) for product in
            ProductFactory.create_batch(20)]  # fmt: skip
    action_log.changes(Product, {}, {})
    with django_assert_num_queries(1):
        action_log.log_rows(staff_id=admin_user.pk, rows=rows)
    assert LogEntry.objects.filter(action_flag=CHANGE, object_id=str(rows[0][0].pk)).exists()


def test_rows_are_logged_as_the_orm_would(admin_user):
    product, flag = ProductFactory(), CHANGE
    parts = [action_log.changes(product, {"name": "라떼"}, {"name": 'a "b" \\ 라떼'})]
    action_log.log_rows(staff_id=admin_user.pk, rows=[(product, parts)])
    LogEntry.objects.log_actions(admin_user.pk, [product], flag, action_log.as_message(parts))
    by_sql, by_orm = LogEntry.objects.order_by("pk").values()
    for entry in (by_sql, by_orm):
        del entry["id"], entry["action_time"]
    assert by_sql == by_orm
