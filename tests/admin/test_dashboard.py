"""The admin's first page: what the shop is doing now, to whoever may see it, or what to do first."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User as StaffAccount
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from backoffice.charts import Bar, chart
from backoffice.formatting import number
from core.timestamps import SEOUL
from coupons.factories import CouponFactory
from coupons.selectors import issue_forecasts
from orders.models import Order, OrderEvent
from orders.selectors import SalesTotal, outbox_status, sales_by_hour
from products.factories import ProductFactory
from products.selectors import low_stock
from rankings.figures import HOURS, by_hour
from rankings.hours import fill_hours, sales_overview
from tests.kit.backoffice import buy
from tests.kit.database import database_clock, execute
from tests.kit.processes import until

# The best sellers are read in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


def page(browser, language="en"):
    return browser.get(reverse("admin:index"), headers={"Accept-Language": language})


def read(browser, language="en"):
    """What people read on it."""
    content = page(browser, language).content.decode()
    main = content[content.index('id="main"') - 5 :]
    return re.sub(r"\s+", " ", strip_tags(main.replace("<", " <")))


def link_to(browser, name, value):
    """The address on it of the list that is filtered by a value."""
    (url,) = re.findall(rf'href="({reverse(name)}[?][^"]*={value})"', page(browser).content.decode())
    return url


def panels(browser):
    return page(browser).context["panels"]


@pytest.fixture(autouse=True)
def _an_hour_that_lasts():
    """No hour ends during a test."""
    until(lambda: (database_clock() + timedelta(seconds=15)).hour == database_clock().hour)


def this_hour():
    """When the running hour began in Seoul, by the database's clock."""
    return database_clock().astimezone(SEOUL).replace(minute=0, second=0, microsecond=0)


def sell_at(*moments):
    """An order of 1,800 won at each of these moments."""
    for moment in moments:
        buy()
        Order.objects.filter(pk=Order.objects.latest("pk").pk).update(ordered_at=moment)


def test_order_counts_in_the_hour_of_seoul_that_it_was_paid_in():
    start, instant = this_hour(), timedelta(microseconds=1)
    sell_at(start - instant, start, start - timedelta(hours=1))
    hours = sales_by_hour(since=start - timedelta(hours=1), until=database_clock())
    assert hours == {start - timedelta(hours=1): SalesTotal(2, 3600), start: SalesTotal(1, 1800)}


def test_hours_end_with_the_running_one_and_one_too_old_does_not_count():
    first = this_hour() - timedelta(hours=HOURS - 1)
    sell_at(first, first - timedelta(microseconds=1), this_hour() + timedelta(hours=1))
    hours = by_hour(sales_overview())
    assert [hour.total.orders for hour in hours] == [1] + [0] * (HOURS - 1)
    assert (hours[0].starts_at, hours[-1].starts_at) == (first, this_hour())


def test_days_and_hours_are_named_by_their_time_in_seoul(admin_client):
    sell_at(this_hour())
    hour = this_hour()
    shown = f"{hour:%-d %b %H:00}–{hour + timedelta(hours=1):%H:00} 1 ₩1,800 ₩1,800"
    assert shown in read(admin_client)
    assert f"{hour:%-m월 %-d일 %H시대} 1 1,800원 1,800원" in read(admin_client, "ko")


def test_chart_says_in_words_what_it_draws(admin_client):
    sell_at(this_hour(), this_hour(), this_hour() - timedelta(hours=5))
    content = page(admin_client).content.decode()
    labels = re.findall(r'role="img" aria-label="([^"]*)"', content)
    hour = f"{this_hour():%-d %b %H:00}–{this_hour() + timedelta(hours=1):%H:00}"
    assert labels[2:] == [
        f"Sales paid: ₩5,400 in all. Peak: {hour}, ₩3,600.",
        f"Orders: 3 orders in all. Peak: {hour}, 2 orders.",
    ]
    bars = re.findall(r'class="dash-bar[^>]*height="(\d+)"', content)[-HOURS:]
    assert [int(height) for height in (bars[-1], bars[-6])] == [1000, 500]
    assert (
        f'type="radio" name="chart-orders-hour" autocomplete="off" aria-label="{hour}: 2 orders"' in content
    )


@pytest.mark.parametrize(
    ("most", "levels"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (5, ["0", "2", "4", "6"]),
        (80, ["0", "20", "40", "60", "80"]),
        (81, ["0", "50", "100"]),
        (1_234_567, ["0", "500,000", "1,000,000", "1,500,000"]),
    ],
)
def test_axis_is_marked_in_equal_round_steps_up_to_the_most(most, levels):
    drawn = chart([Bar("a", 0), Bar("b", most)], key="x", name="x", note="", shown=number)
    assert drawn["levels"][::-1] == levels


@pytest.mark.parametrize(("at", "fits"), [(0, True), (64, False)])
def test_name_below_the_axis_stays_inside_the_chart(at, fits):
    bars = [Bar("x", 0, tick="11월 22일" if n == at else "") for n in range(HOURS)]
    (tick,) = chart(bars, key="x", name="x", note="", shown=number)["ticks"]
    assert tick == {"at": f"{at * 100 / HOURS:.3f}", "name": "11월 22일", "fits": fits}


def compared(browser, language="en"):
    """The rows that compare today and yesterday, as people read them, without dates."""
    rows = page(browser, language).context["panels"]["sales"]["compared"]
    return [(row["name"], *row["cells"]) for row in rows]


def test_today_and_yesterday_are_compared_with_the_same_weekday_a_week_before(admin_client):
    now = database_clock().astimezone(SEOUL)
    noon = now.replace(hour=12, minute=0)
    week = timedelta(days=7)
    yesterday = noon - timedelta(days=1)
    sell_at(now, now - timedelta(days=1), yesterday, yesterday, yesterday - week, yesterday - week)
    rows = compared(admin_client)
    assert (rows[0], rows[3], rows[4][1:]) == (
        ("Today", "1", "₩1,800", "₩1,800"),
        ("Yesterday", "3", "₩5,400", "₩1,800"),
        ("+50%", "+50%", "0%"),
    )
    assert rows[2][1:] == ("-", "-", "-")
    assert rows[4][0] == f"Against {yesterday:%A} a week before"
    assert [name for name, *_ in compared(admin_client, "ko")][:2] == ["오늘", "어제 이 시각보다"]


def test_less_than_a_week_before_is_shown_with_a_minus(admin_client):
    yesterday = database_clock().astimezone(SEOUL).replace(hour=12) - timedelta(days=1)
    sell_at(yesterday, *[yesterday - timedelta(days=7)] * 3)
    assert compared(admin_client)[4][1:] == ("−67%", "−67%", "0%")


def lines_of(browser, by, language="en"):
    """A CSV file of the first page, line by line."""
    answer = browser.get(reverse("sales_csv", args=[by]), headers={"Accept-Language": language})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return answer, answer.content.decode("utf-8-sig").splitlines()


def test_figures_are_taken_as_csv(admin_client):
    start = this_hour()
    sell_at(start, start, start - timedelta(days=30))
    answer, hours = lines_of(admin_client, "hour")
    assert (hours[0], hours[-1]) == ("Hour,Orders,Sales paid,Average order", f"{start:%F %H:%M},2,3600,1800")
    assert (len(hours), hours[1].endswith(",0,0,")) == (73, True)
    first = start - timedelta(hours=71)
    assert answer["Content-Disposition"] == f'attachment; filename="sales-by-hour-{first:%F}-{start:%F}.csv"'
    _answer, days = lines_of(admin_client, "day", "ko")
    assert days[0] == '날짜,주문,결제액,주문당 평균,"주문, 30일 전","결제액, 30일 전"'
    assert (len(days), days[-1]) == (31, f"{start:%F},2,3600,1800,1,1800")


def test_csv_of_sales_is_for_staff_who_may_see_orders(client, staff_of):
    address = reverse("sales_csv", args=["day"])
    assert client.get(address).status_code == 302
    assert staff_of("viewer").get(address).status_code == 200
    client.force_login(StaffAccount.objects.create_user("nobody", is_staff=True))
    assert client.get(address).status_code == 403


def test_csv_of_sales_by_another_word_is_not_found(admin_client):
    assert admin_client.get("/admin/sales-by-week.csv").status_code == 404
    assert admin_client.post(reverse("sales_csv", args=["day"])).status_code == 405


def test_page_is_the_same_once_hours_are_stored(admin_client):
    sell_at(this_hour(), this_hour() - timedelta(days=3), this_hour() - timedelta(days=40))
    before = panels(admin_client)["sales"]
    fill_hours()
    assert panels(admin_client)["sales"]["parts"] == before["parts"]


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
    assert "fast 90 90 0" in read(admin_client)


@pytest.mark.django_db
def test_low_stock_of_equal_count_is_ordered_by_units_sold():
    few, first, second = (ProductFactory(stock=1, units_sold=sold) for sold in (1, 5, 5))
    last = ProductFactory(stock=2, units_sold=9)
    assert list(low_stock(limit=9)) == [first, second, few, last]


def test_empty_shop_says_what_to_do_first(admin_client):
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
