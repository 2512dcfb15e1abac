"""The admin's first page: what the shop is doing now, to whoever may see it, or what to do first."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User as StaffAccount
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coupons.factories import CouponFactory
from coupons.selectors import issue_forecasts
from orders.models import Order, OrderEvent
from orders.selectors import outbox_status
from products.factories import ProductFactory
from products.selectors import low_stock
from tests.kit.backoffice import buy
from tests.kit.database import database_clock, execute
from tests.kit.first_page import page, panels, read, this_hour

# The best sellers are read in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


def link_to(browser, name, value):
    """The address on it of the list that is filtered by a value."""
    (url,) = re.findall(rf'href="({reverse(name)}[?][^"]*={value})"', page(browser).content.decode())
    return url


def test_best_sellers_are_those_of_the_api(admin_client, client):
    for _ in range(3):
        buy()
    answered = [entry["name"] for entry in client.get("/api/v1/rankings/products").json()["results"]]
    assert len(answered) == 3
    assert [row.name for row in panels(admin_client)["best_sellers"]["rows"]] == answered
    text = read(admin_client)
    assert all(f"{rank}. {name} 2 " in text for rank, name in enumerate(answered, start=1))


def test_events_that_wait_and_that_are_dead_lead_to_their_lists(admin_client):
    for _ in range(3):
        buy()
    first, *others = OrderEvent.objects.order_by("order_id").values_list("pk", flat=True)
    Order.objects.filter(event=first).update(ordered_at=this_hour() - timedelta(hours=2, seconds=1))
    OrderEvent.objects.filter(pk__in=others).update(state="dead")
    panel = panels(admin_client)["events"]
    assert (panel["pending"], panel["dead"]) == ("1", "2")
    assert re.search("Oldest undelivered [23] hours", read(admin_client))
    assert "Some failed" in panel["state"]
    for state, count in (("pending", 1), ("dead", 2)):
        listed = admin_client.get(link_to(admin_client, "admin:orders_orderevent_changelist", state))
        assert listed.context["cl"].result_count == count


def test_event_that_waits_for_its_next_attempt_is_not_late(admin_client):
    buy()
    OrderEvent.objects.update(next_attempt_at=this_hour() + timedelta(hours=2))
    assert outbox_status(max_count=10).overdue_seconds == 0
    assert "On time" in panels(admin_client)["events"]["state"]


def test_events_that_failed_and_are_tried_again_are_counted_as_such(admin_client):
    for _ in range(3):
        buy()
    first, second, _third = OrderEvent.objects.order_by("order_id").values_list("pk", flat=True)
    OrderEvent.objects.filter(pk__in=[first, second]).update(attempts=2, last_error="HTTP 503")
    assert "재시도 중 2건" in read(admin_client, "ko")
    OrderEvent.objects.filter(pk=first).redeliver()
    assert "재시도 중 1건" in read(admin_client, "ko"), "what is sent again begins anew"
    OrderEvent.objects.filter(pk=second).update(state="dead")
    assert "재시도" not in read(admin_client, "ko")


def test_undelivered_events_are_counted_to_a_bound():
    for _ in range(3):
        buy()
    assert outbox_status(max_count=2).pending == 2


def test_campaigns_that_are_open_are_listed_by_share_issued(admin_client):
    now = database_clock()
    hour = timedelta(hours=1)
    for name, terms in {
        "half": {"issued": 5},
        "fresh": {},
        "nearly": {"issued": 9},
        "sold out": {"issued": 10},
        "none": {"quantity": 0},
        "closed": {"issued": 9, "closes_at": now - hour},
        "not yet": {"issued": 9, "opens_at": now + hour},
    }.items():
        CouponFactory(**{"name": name, "quantity": 10, **terms})
    assert [burning.coupon.name for burning in issue_forecasts(limit=5)] == ["nearly", "half", "fresh"]
    assert [burning.coupon.name for burning in issue_forecasts(limit=1)] == ["nearly"]
    assert re.search(r"nearly \(\d+\) 9 of 10 issued 1 left", read(admin_client))


def test_low_stock_leads_to_a_list_of_the_same_products(admin_client):
    buy()
    for stock in (0, 10, 11):
        ProductFactory(stock=stock, units_sold=stock)
    assert [product.stock for product in panels(admin_client)["low_stock"]["rows"]] == [0, 8, 10]
    listed = admin_client.get(link_to(admin_client, "admin:products_product_changelist", "low")).context["cl"]
    assert [product.stock for product in listed.result_list] == [0, 8, 10]
    assert listed.has_active_filters


def test_product_is_low_on_stock_at_its_own_threshold(admin_client):
    for name, stock, threshold in (("ordinary", 10, None), ("fast", 90, 90), ("slow", 10, 9), ("none", 0, 0)):
        ProductFactory(name=name, stock=stock, low_stock_threshold=threshold)
    low = ["none", "ordinary", "fast"]
    assert [product.name for product in panels(admin_client)["low_stock"]["rows"]] == low
    listed = admin_client.get(link_to(admin_client, "admin:products_product_changelist", "low")).context["cl"]
    assert [product.name for product in listed.result_list] == low
    assert re.search(r"fast \(\d+\) 90 90 0", read(admin_client))


@pytest.mark.django_db
def test_low_stock_of_equal_count_is_ordered_by_units_sold():
    few, first, second = (ProductFactory(stock=1, units_sold=sold) for sold in (1, 5, 5))
    last = ProductFactory(stock=2, units_sold=9)
    assert list(low_stock(limit=9)) == [first, second, few, last]


def test_first_page_of_an_empty_shop_lists_the_first_steps(admin_client):
    text = read(admin_client)
    assert "Add the members who may buy." in text
    assert "python manage.py seed_demo" in text
    assert "Best sellers" not in text
    for table in ("users_user", "products_product"):
        for way in ("add", "import"):
            url = reverse(f"admin:{table}_{way}")
            assert f'href="{url}" class="text-link"' in page(admin_client).content.decode()
            assert admin_client.get(url).status_code == 200


def test_empty_shop_names_no_command_that_is_not_there(admin_client, monkeypatch):
    monkeypatch.setattr("backoffice.dashboard.get_commands", dict)
    assert "seed_demo" not in read(admin_client)


def test_first_steps_that_are_done_are_ticked(admin_client):
    ProductFactory(stock=3)
    steps = page(admin_client).context["steps"]
    assert [step["done"] for step in steps] == [False, True, False]
    assert set(panels(admin_client)) == {"low_stock"}


def test_first_steps_are_over_with_the_first_order(admin_client):
    buy()
    assert page(admin_client).context["steps"] == []
    assert set(panels(admin_client)) == {
        "sales",
        "best_sellers",
        "coupons",
        "events",
        "low_stock",
        "topology",
    }


@pytest.mark.parametrize(("role", "ways"), [("viewer", 0), ("merchandiser", 2), ("operator", 4)])
def test_role_sees_every_figure_and_links_only_where_it_may_add(staff_of, role, ways):
    browser = staff_of(role)
    steps = page(browser).context["steps"]
    assert sum(len(step["links"]) for step in steps[:2]) == ways
    buy()
    assert set(panels(browser)) == {"sales", "best_sellers", "coupons", "events", "low_stock", "topology"}


def test_account_without_a_role_sees_a_note_and_no_figure(client):
    buy()
    client.force_login(StaffAccount.objects.create_user("nobody", is_staff=True))
    assert "Your account has no role yet." in read(client)
    assert panels(client) == {}


def test_name_is_shown_as_text_whatever_it_contains(admin_client):
    product = buy()
    execute(
        "UPDATE products_product SET name = '<script>alert(1)</script>', stock = 1 WHERE id = %s", product.pk
    )
    execute("UPDATE coupons_coupon SET name = '<script>alert(1)</script>'")
    assert "<script>alert" not in page(admin_client).content.decode()
    assert read(admin_client).count("&lt;script&gt;alert") == 3


def test_dashboard_sends_as_many_statements_for_many_rows_as_for_few(admin_client):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            page(admin_client)
        return len(queries)

    buy()
    asked()
    once = asked()
    for _ in range(6):
        buy()
    assert asked() == once


def test_page_is_in_the_reader_s_language(admin_client):
    buy()
    assert "진행 중인 쿠폰" in read(admin_client, "ko")
    assert "Running campaigns" in read(admin_client, "en")
