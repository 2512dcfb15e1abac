"""Closing a campaign now: what it costs the operator."""

import re

import pytest
from playwright.sync_api import expect

from coupons.factories import CouponFactory
from coupons.models import Coupon
from tests.browser.visitor import Visitor
from tests.kit.backoffice import buy

MOST_ACTIONS = 3


# How it is reached, and how wide the screen is.
WAYS = [("page", 1280), ("page", 390), ("panel", 1280), ("panel", 390)]


@pytest.mark.parametrize(("way", "width"), WAYS)
def test_running_campaign_is_closed_now_from_the_first_page(staff: Visitor, way: str, width: int) -> None:
    buy()
    coupon = CouponFactory(name="오늘까지만 쓰는 쿠폰", quantity=1_000, issued=900)
    staff.page.set_viewport_size({"width": width, "height": 844})
    page = staff.open("")
    staff.picture(f"job-campaign-overview-{width}")
    if way == "page":
        staff.click(page.locator(f".dash-coupons a[href$='/{coupon.pk}/change/']"))
        staff.picture(f"job-campaign-page-{width}")
        staff.click(page.get_by_role("link", name="지금 마감"))
    else:
        staff.click(page.get_by_role("link", name=f"지금 마감: {coupon}"))
    staff.picture(f"job-campaign-confirm-{width}")
    assert staff.overflow() == 0
    staff.click(page.get_by_role("button", name="지금 마감"))
    expect(page.get_by_text("쿠폰 1종을 마감했어요.")).to_be_visible()
    staff.picture(f"job-campaign-closed-{width}")
    assert staff.actions <= MOST_ACTIONS
    assert Coupon.objects.with_state("closed").get().pk == coupon.pk


def test_campaign_is_copied_into_the_form_of_a_new_one(staff: Visitor) -> None:
    source = CouponFactory(name="매달 주는 쿠폰", quantity=50)
    page = staff.open(f"coupons/coupon/{source.pk}/change/")
    page.get_by_role("link", name="복사").click()
    expect(page.locator("[name=name]")).to_have_value(source.name)
    staff.picture("campaign-copy")
    page.locator("[name=quantity]").fill("60")
    page.get_by_role("button", name="저장", exact=True).click()
    page.wait_for_url(re.compile("/admin/coupons/coupon/$"))
    assert list(Coupon.objects.order_by("pk").values_list("name", "quantity")) == [
        (source.name, 50),
        (source.name, 60),
    ]
