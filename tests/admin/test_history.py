"""History can be read and by no page of the admin be changed."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.urls import reverse

from orders.models import Order, OrderEvent
from points.models import PointAccount, PointTransaction
from tests.kit.backoffice import change, page_of

pytestmark = pytest.mark.django_db

HISTORY = [
    "points_pointaccount",
    "points_pointtransaction",
    "coupons_issuedcoupon",
    "orders_order",
    "orders_orderevent",
    "django_admin_log",
]


def model_of(table):
    return next(model for model in site._registry if model._meta.db_table == table)


def url_of(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("table", HISTORY)
def test_history_can_be_read_and_neither_added_changed_nor_deleted(admin_client, bought, table):
    change(admin_client, bought, name="새 이름", price=1000)
    model = model_of(table)
    row = model.objects.first()
    assert admin_client.get(url_of(model, "changelist")).status_code == 200
    assert admin_client.get(url_of(model, "change", row.pk)).status_code == 200
    assert admin_client.post(url_of(model, "change", row.pk), {}).status_code == 403
    assert admin_client.get(url_of(model, "add")).status_code == 403
    assert admin_client.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("table", ["users_user", "products_product", "coupons_coupon"])
def test_rows_that_history_refers_to_cannot_be_deleted(admin_client, bought, table):
    row = model_of(table).objects.get()
    assert admin_client.post(page_of(row, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(reverse(f"admin:{table}_changelist"), chosen)
    assert model_of(table).objects.filter(pk=row.pk).exists()


def test_balance_cannot_be_changed_by_a_page_of_the_admin(admin_client, bought):
    account = PointAccount.objects.get()
    change(admin_client, account, balance=1)
    assert PointAccount.objects.get().balance == account.balance


def test_staff_account_cannot_be_deleted_so_that_its_log_stays(admin_client, admin_user, bought):
    change(admin_client, bought, name="새 이름", price=1000)
    other = User.objects.create_user("other", is_staff=True)
    for account in (admin_user, other):
        assert admin_client.post(url_of(User, "delete", account.pk), {"post": "yes"}).status_code == 403
    assert User.objects.count() == 2
    assert LogEntry.objects.count() == 1


def test_order_s_page_shows_its_lines_payment_coupon_and_delivery(admin_client, bought):
    order, entry = Order.objects.get(), PointTransaction.objects.get(type="payment")
    OrderEvent.objects.update(state="dead", attempts=24, last_error="HTTP 500")
    page = admin_client.get(page_of(order)).content.decode()
    shown = (bought.name, "2,000원", "1,800원", "10,200원", "전송 포기", "24", "HTTP 500", "김하나")
    assert not [text for text in shown if text not in page]
    assert all(page_of(row) in page for row in (order.user, order.issued_coupon, order.event, entry, bought))


def test_order_of_nothing_has_a_page_without_a_ledger_entry(admin_client, bought):
    order = Order.objects.create(user=Order.objects.get().user, subtotal=0, total=0, balance_after=0)
    OrderEvent.objects.create(order=order)
    assert admin_client.get(page_of(order)).status_code == 200


def test_member_s_page_shows_the_balance_and_leads_to_all_that_is_theirs(admin_client, bought):
    member = Order.objects.get().user
    page = admin_client.get(page_of(member)).content.decode()
    assert "10,200원" in page
    for table in ("orders_order", "points_pointtransaction", "coupons_issuedcoupon"):
        link = f"{reverse(f'admin:{table}_changelist')}?user__id__exact={member.pk}"
        assert link in page
        assert admin_client.get(link).context["cl"].result_count >= 1
