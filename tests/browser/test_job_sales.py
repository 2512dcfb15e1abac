"""How yesterday compares with the same weekday last week, and what the charts tell whoever has no mouse."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.timestamps import SEOUL
from orders.models import Order
from rankings.hours import fill_hours
from tests.browser.visitor import Visitor
from tests.kit.backoffice import buy
from tests.kit.client import Client


@pytest.fixture
def sold(http: Client) -> None:
    """An order of 1,800 won today and eight days ago, three yesterday, and some more."""
    now = timezone.now().astimezone(SEOUL)
    noon = now.replace(hour=12, minute=0)
    past = [noon - timedelta(days=days) for days in (1, 1, 1, 3, 7, 7, 8, 8, 12, 20, 20, 33, 40, 45)]
    for moment in (*past, now):
        buy()
        Order.objects.filter(pk=Order.objects.latest("pk").pk).update(ordered_at=moment)
    fill_hours()


def test_yesterday_against_last_week_is_on_the_first_page(sold: None, staff: Visitor) -> None:
    page = staff.open("")
    rows = page.locator(".dash-compared tbody tr")
    expect(rows.nth(3)).to_contain_text(re.compile(r"어제.*3\s*5,400원\s*1,800원", re.DOTALL))
    expect(rows.nth(4)).to_contain_text(re.compile(r"한 주 전 .요일보다\s*\+50%\s*\+50%\s*0%"))
    assert staff.actions <= 0
    staff.picture("job-sales")


def test_bar_tells_its_figures_to_keys_pointer_and_finger(sold: None, staff: Visitor) -> None:
    page = staff.open("")
    days = page.get_by_role("radiogroup", name="결제액").first
    days.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    yesterday = days.get_by_role("radio").nth(28)
    expect(yesterday).to_be_focused()
    expect(yesterday).to_have_accessible_name(re.compile(r"월 \d+일 \(.요일\): 5,400원 · 30일 전: 0원"))
    expect(page.locator(".dash-tip:visible")).to_have_text(re.compile("5,400원"))
    staff.picture("sales-tip")
    page.locator("h1").first.click()
    expect(page.locator(".dash-tip:visible")).to_have_count(0)
    days.get_by_role("radio").nth(29).hover()
    expect(page.locator(".dash-tip:visible")).to_have_text(re.compile("1,800원"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_sales_are_readable_in_both_themes_and_widths(
    sold: None, staff: Visitor, theme: str, width: int
) -> None:
    staff.page.set_viewport_size({"width": width, "height": 844})
    staff.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page = staff.open("")
    expect(page.locator(".dash-chart")).to_have_count(4)
    assert staff.overflow() == 0
    staff.picture(f"sales-{theme}-{width}")
    page.get_by_text("날짜별 숫자 보기").click()
    expect(page.locator(".dash-low tbody tr").first).to_be_visible()


def test_figures_are_downloaded_by_their_button(sold: None, staff: Visitor) -> None:
    page = staff.open("")
    with page.expect_download() as download:
        page.get_by_role("button", name="날짜별 숫자 내려받기 (CSV)").click()
    assert re.fullmatch(
        r"sales-by-day-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename
    )
