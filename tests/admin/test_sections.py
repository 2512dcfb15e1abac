"""What the pages of a member and a product say beside their own fields, and to whom."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from backoffice.base import BoundedPaginator
from backoffice.refusals.models import Refusal
from orders.models import Order
from orders.selectors import spending_of
from products.factories import ProductFactory
from products.models import Product
from rankings.models import ProductSales, SalesWindow
from rankings.selectors import pace_of
from rankings.services import recompute
from tests.kit.backoffice import change, page_of
from tests.kit.database import execute
from users.factories import UserFactory
from users.models import User as Member

pytestmark = pytest.mark.django_db(transaction=True)

BY_PERMISSION = {
    "orders.view_order": "Orders",
    "points.view_pointtransaction": "Point ledger",
    "coupons.view_issuedcoupon": "Issued coupons",
    "refusals.view_refusal": "Refusals",
}


def sections(browser, row):
    """The sections of the row's page by their titles, in English."""
    page = browser.get(page_of(row), headers={"Accept-Language": "en"})
    with translation.override("en"):
        return {str(title): content for title, content in page.context["sections"]}


def figures(content):
    return {str(name): str(value) for name, value in content.figures}


def signed_in(client, *permissions):
    """A browser of a staff account that has these permissions and no role."""
    account = User.objects.create_user("somebody", is_staff=True)
    for each in permissions:
        app, codename = each.split(".")
        account.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(account)
    return client


@pytest.fixture
def member(bought):
    """The member that bought, and was refused something later."""
    member = Member.objects.get()
    now = timezone.now()
    for user_id in (member.pk, member.pk + 1):
        Refusal.objects.create(
            refused_at=now, user_id=user_id, request="POST /api/v1/orders", status=409, code="out_of_stock"
        )
    return member


def test_member_s_page_has_orders_ledger_coupons_and_refusals(admin_client, member):
    shown = sections(admin_client, member)
    assert list(shown) == list(BY_PERMISSION.values())
    order = Order.objects.get()
    assert figures(shown["Orders"]) == {"Orders": "1", "Paid in all": "₩1,800", "Average order": "₩1,800"}
    assert page_of(order) in shown["Orders"].rows[0][0]
    assert [row[1:] for row in shown["Point ledger"].rows] == [
        ("Payment", "-₩1,800", "₩10,200"),
        ("Charge", "₩12,000", "₩12,000"),
    ]
    assert "Used" in shown["Issued coupons"].rows[0][1]
    assert [row[1] for row in shown["Refusals"].rows] == ["Out of stock"]
    text = admin_client.get(page_of(member)).content.decode()
    assert "10,200원" in text
    for content in shown.values():
        assert content.all_rows.replace("&", "&amp;") in text
        assert admin_client.get(content.all_rows).context["cl"].result_count == len(content.rows)


def test_member_who_did_nothing_yet_has_a_page(admin_client):
    shown = sections(admin_client, UserFactory())
    assert figures(shown["Orders"]) == {"Orders": "0", "Paid in all": "₩0", "Average order": "-"}
    assert [content.rows for content in shown.values()] == [[]] * 4


@pytest.mark.parametrize("permission", [None, *BY_PERMISSION])
def test_member_s_page_shows_only_what_the_account_may_see(client, member, permission):
    browser = signed_in(client, "users.view_user", *([permission] if permission else []))
    assert list(sections(browser, member)) == ([BY_PERMISSION[permission]] if permission else [])
    text = browser.get(page_of(member)).content.decode()
    assert "10,200" not in text.replace("10,200원</td>", "" if permission else "x")


def test_balance_is_for_accounts_that_may_see_balances(client, member):
    text = signed_in(client, "users.view_user").get(page_of(member)).content.decode()
    assert "잔액" not in text
    somebody = User.objects.get(username="somebody")
    somebody.user_permissions.add(Permission.objects.get(codename="view_pointaccount"))
    assert "10,200원" in client.get(page_of(member)).content.decode()


def test_spending_is_that_of_the_newest_orders_up_to_a_bound(admin_client, member, monkeypatch):
    order = Order.objects.get()
    for days in (1, 2):
        Order.objects.create(
            user=member, subtotal=500 * days, total=500 * days, balance_after=0,
            ordered_at=order.ordered_at - timedelta(days=days),
        )  # fmt: skip
    assert (spending_of(user_id=member.pk, max_orders=2).paid) == 2300
    monkeypatch.setattr(BoundedPaginator, "MAX_COUNT", 2)
    shown = figures(sections(admin_client, member)["Orders"])
    assert shown["Orders"] == "2+"
    assert shown["Paid for the newest 2 orders"] == "₩2,300"


def test_member_s_and_product_s_page_send_as_many_statements_for_many_rows_as_for_few(admin_client, member):
    product = Product.objects.get()

    def asked():
        with CaptureQueriesContext(connection) as queries:
            sections(admin_client, member), sections(admin_client, product)
        return len(queries)

    asked()
    once = asked()
    execute(
        "INSERT INTO orders_order (user_id, subtotal, total, balance_after)"
        " SELECT %s, n, n, 0 FROM generate_series(1, 30) n", member.pk
    )  # fmt: skip
    execute(
        "INSERT INTO points_pointtransaction (user_id, type, amount, balance_after)"
        " SELECT %s, 'charge', n, n FROM generate_series(1, 30) n", member.pk
    )  # fmt: skip
    for n in range(12):
        change(admin_client, product, name=product.name, price=1000, stock_change=n + 1, reason="입고")
    assert asked() == once <= 40


def test_product_page_shows_sales_a_day_and_days_of_cover(admin_client, bought):
    now = timezone.now()
    Product.objects.update(stock=24, created_at=now - timedelta(days=9))
    SalesWindow.objects.all().delete()
    assert figures(sections(admin_client, bought)["Sales pace"]) == {}
    SalesWindow.objects.create(pk=1, from_at=now - timedelta(days=3), to_at=now)
    ProductSales.objects.create(product=bought, units=36, amount=1)
    shown = sections(admin_client, bought)["Sales pace"]
    assert figures(shown) == {"Sold a day": "12.0", "Days of cover": "2.0 days"}
    assert shown.note.startswith("By the sales of 3 days until ")


@pytest.mark.parametrize(("age", "a_day"), [(timedelta(hours=1), 36), (timedelta(days=2), 18)])
def test_pace_of_a_new_product_counts_from_its_first_day(bought, age, a_day):
    now = timezone.now()
    SalesWindow.objects.update_or_create(pk=1, defaults={"from_at": now - timedelta(days=3), "to_at": now})
    ProductSales.objects.create(product=bought, units=36, amount=1)
    bought.created_at = now - age
    assert pace_of(product=bought).units_a_day == pytest.approx(a_day)


def test_pace_comes_from_the_read_model_and_is_none_without_sales(bought):
    recompute(days=3)
    execute("UPDATE rankings_saleswindow SET to_at = now()")
    unsold = ProductFactory(stock=5)
    assert (pace_of(product=unsold).units_a_day, pace_of(product=unsold).days_of_cover) == (0, None)


def test_product_page_lists_stock_changes_with_account_time_and_reason(admin_client, bought):
    change(admin_client, bought, name=bought.name, price=1000, stock_change=50, reason="입고")
    change(admin_client, bought, name="새 이름", price=1000)
    other = ProductFactory(stock=1)
    change(admin_client, other, name=other.name, price=other.price, stock_change=1, reason="다른 상품")
    ((_when, who, what),) = sections(admin_client, bought)["Changes of stock"].rows
    assert who == "admin"
    assert all(part in what for part in ("8", "58", "입고"))


def test_changes_of_stock_are_for_accounts_that_may_see_the_log(client, bought):
    browser = signed_in(client, "products.view_product")
    assert list(sections(browser, bought)) == ["Sales pace"]
