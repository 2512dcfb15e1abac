"""Forms of the admin with what no browser sends: an error on the page, a 400, never a 500."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse

from coupons.models import Coupon
from tests.kit.backoffice import page_of

pytestmark = pytest.mark.django_db

VALUES = ["\0", "-" + "9" * 30, "9" * 5000, "0001-01-01"]
GOOD = {
    "name": "a", "price": "1", "stock": "1", "discount_type": "fixed", "discount_value": "1", "quantity": "1",
    "username": "u", "password1": "correct horse b", "password2": "correct horse b",
    "usable_password": "true",
    "opens_at_1": "00:00", "closes_at_1": "23:59:59",
}  # fmt: skip
ADDED = {
    "users_user": ["name"],
    "products_product": ["name", "price", "stock", "low_stock_threshold"],
    "coupons_coupon": ["name", "discount_type", "discount_value", "max_discount", "quantity",
                       "opens_at_0", "opens_at_1", "closes_at_0", "closes_at_1"],
    "auth_group": ["name", "permissions"],
    "auth_user": ["username", "usable_password", "password1"],
}  # fmt: skip
CHANGED = {
    "products": [
        "name",
        "price",
        "stock_change",
        "reason",
        "low_stock_threshold",
        "initial-name",
        "initial-price",
    ],
    "coupons": ["name", "quantity", "max_discount", "opens_at_0", "initial-opens_at_0", "initial-quantity"],
    "account": ["username", "email", "groups", "initial-groups", "user_permissions", "last_login_0"],
    "password": ["password1", "usable_password"],
    "own password": ["old_password", "new_password1"],
}


@pytest.fixture
def browser(admin_client, bought):
    admin_client.raise_request_exception = False
    return admin_client


def statuses(browser, url, fields):
    """The answers to each field with each value; what was written is undone."""
    found = {}
    for field in fields:
        for value in VALUES:
            with transaction.atomic():
                found[field, value[:20]] = browser.post(url, {**GOOD, field: value}).status_code
                transaction.set_rollback(True)
    return found


@pytest.mark.long
@pytest.mark.parametrize("table", ADDED)
def test_new_row_takes_no_value_that_it_cannot_keep(browser, table):
    answers = statuses(browser, reverse(f"admin:{table}_add"), ADDED[table])
    assert set(answers.values()) <= {200, 302}, answers


@pytest.mark.long
@pytest.mark.parametrize("page", CHANGED)
def test_change_takes_no_value_that_the_row_cannot_keep(browser, page, bought):
    account = User.objects.get().pk
    url = {
        "products": page_of(bought),
        "coupons": page_of(Coupon.objects.get()),
        "account": reverse("admin:auth_user_change", args=[account]),
        "password": reverse("admin:auth_user_password_change", args=[User.objects.create_user("other").pk]),
        "own password": reverse("admin:password_change"),
    }[page]
    answers = statuses(browser, url, CHANGED[page])
    assert set(answers.values()) <= {200, 302}, answers


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"&".join(b"f%d=1" % n for n in range(1500)), "application/x-www-form-urlencoded", 400),
        (b"name=" + b"x" * 3_000_000, "application/x-www-form-urlencoded", 400),
        (b"--x", "multipart/form-data", 400),
        (b"--x\r\nContent-Disposition: form-data; name=name\r\n\r\n", "multipart/form-data; boundary=x", 200),
        (b"name=%ED%A0%80", "application/x-www-form-urlencoded", 302),
        (b"{}", "application/json", 200),
    ],
)
def test_form_too_large_or_none_at_all_is_refused(browser, body, kind, status):
    answer = browser.generic("POST", reverse("admin:users_user_add"), body, kind)
    assert answer.status_code == status


def test_read_only_page_takes_no_form(browser, bought):
    order = bought.orderitem_set.get().order
    assert browser.post(page_of(order), {"name": "x"}).status_code == 403
    assert browser.post(page_of(order), {"orderitem_set-TOTAL_FORMS": "\0"}).status_code == 403


@pytest.mark.parametrize("page", ["import", "export", "process_import"])
def test_import_and_export_pages_answer_any_form_values(browser, page):
    for table in ("users_user", "products_product", "coupons_coupon"):
        for value in VALUES:
            fields = {"format": value, "resource": value, "import_file_name": value, "export_items": value,
                      "original_file_name": value, "fingerprint": value, "import_file": value}  # fmt: skip
            answer = browser.post(reverse(f"admin:{table}_{page}"), fields)
            assert answer.status_code in {200, 302}, (table, page, value[:20])
