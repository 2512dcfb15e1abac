"""Finding an order of which only its member's name is known."""

import pytest
from playwright.sync_api import expect

from orders.models import Order
from tests.browser.shop import open_for_days
from tests.browser.visitor import Visitor
from tests.kit.backoffice import buy, page_of

MOST_ACTIONS = 3


@pytest.mark.parametrize("width", [1280, 390])
def test_order_is_found_by_its_members_name(staff: Visitor, width: int) -> None:
    open_for_days()
    buy(name="김동현")
    order = Order.objects.latest("pk")
    staff.page.set_viewport_size({"width": width, "height": 844})
    page = staff.open("")
    staff.picture(f"job-search-overview-{width}")
    staff.fill(page.get_by_role("searchbox", name="전체 검색"), "김동현")
    staff.press("Enter")
    page.wait_for_url(f"**{page_of(order.user)}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"김동현 ({order.user.pk})")
    staff.picture(f"job-search-member-{width}")
    staff.click(page.locator("#content").get_by_role("link", name=f"#{order.pk}", exact=True))
    page.wait_for_url(f"**{page_of(order)}")
    staff.picture(f"job-search-order-{width}")
    assert staff.actions <= MOST_ACTIONS


def test_slash_goes_to_the_box_and_several_are_listed_by_kind(staff: Visitor) -> None:
    open_for_days()
    page = staff.open("orders/order/")
    page.keyboard.press("/")
    box = page.get_by_role("searchbox", name="전체 검색")
    expect(box).to_be_focused()
    page.keyboard.type("김하/나")
    expect(box).to_have_value("김하/나")
    staff.fill(box, "김하나")
    staff.press("Enter")
    expect(page.locator("#content h2")).to_have_text(["회원"])
    expect(page.locator("#content li")).to_have_count(9)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        staff.picture(f"job-search-results-{width}")
        assert staff.overflow() <= 0
