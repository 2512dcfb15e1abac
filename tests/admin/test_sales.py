"""The sales of the admin's first page: by day and by hour, compared, drawn, and as files."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffAccount
from django.test import Client
from django.urls import reverse

from backoffice import action_log
from backoffice.charts import Bar, chart
from backoffice.formatting import number
from core.timestamps import SEOUL
from orders.models import Order
from orders.selectors import SalesTotal, sales_by_hour
from rankings.figures import HOURS, by_hour
from rankings.hours import fill_hours, sales_overview
from tests.kit.backoffice import buy
from tests.kit.database import database_clock
from tests.kit.first_page import page, panels, read, this_hour
from tests.kit.processes import until

# The best sellers are read in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _an_hour_that_lasts():
    """No hour ends during a test."""
    until(lambda: (database_clock() + timedelta(seconds=15)).hour == database_clock().hour)


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


def test_chart_has_a_text_of_its_figures(admin_client):
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
    answer = browser.post(reverse("sales_csv", args=[by]), headers={"Accept-Language": language})
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


def test_csv_of_sales_is_for_staff_who_may_see_orders_and_export(client, staff_of):
    sell_at(this_hour())
    address = reverse("sales_csv", args=["day"])
    assert client.post(address).status_code == 302
    for role, status in (("operator", 200), ("viewer", 403)):
        browser = staff_of(role)
        assert browser.post(address).status_code == status
        assert (address in page(browser).content.decode()) is (status == 200)
    client.force_login(StaffAccount.objects.create_user("nobody", is_staff=True))
    assert client.post(address).status_code == 403
    exporter = StaffAccount.objects.create_user("exporter", is_staff=True)
    exporter.user_permissions.add(Permission.objects.get(codename="export_lists"))
    client.force_login(exporter)
    assert client.post(address).status_code == 403


def test_csv_of_sales_is_logged(client, staff_of):
    answer = staff_of("operator").post(reverse("sales_csv", args=["hour"]))
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.content_type.model) == ("operator", "order")
    assert entry.object_repr in answer["Content-Disposition"]
    assert "72" in action_log.describe(entry)


def test_csv_of_sales_by_another_word_is_not_found(admin_client):
    assert admin_client.post("/admin/sales-by-week.csv").status_code == 404


def test_csv_of_sales_is_for_the_button_of_the_first_page_alone(admin_user):
    browser, address = Client(enforce_csrf_checks=True), reverse("sales_csv", args=["day"])
    browser.force_login(admin_user)
    for ask in (browser.get, browser.head):
        assert ask(address, headers={"Sec-Fetch-Site": "cross-site"}).headers["Location"] == "/admin/"
    assert browser.post(address).status_code == 403
    assert not LogEntry.objects.exists()
    sell_at(this_hour())
    form = re.search(f'action="{address}".*?value="([^"]+)"', page(browser).content.decode(), re.DOTALL)
    assert browser.post(address, {"csrfmiddlewaretoken": form[1]}).status_code == 200


def test_page_is_the_same_once_hours_are_stored(admin_client):
    sell_at(this_hour(), this_hour() - timedelta(days=3), this_hour() - timedelta(days=40))
    before = panels(admin_client)["sales"]
    fill_hours()
    assert panels(admin_client)["sales"]["parts"] == before["parts"]
