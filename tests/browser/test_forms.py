"""Forms as people see them."""

from playwright.sync_api import Browser

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from tests.browser.visitor import Visitor
from tests.kit.client import Client
from tests.kit.operator import Operator


def test_fields_side_by_side_begin_at_the_same_height(staff: Visitor) -> None:
    page = staff.open(f"products/product/{ProductFactory().pk}/change/")
    page.set_viewport_size({"width": 1440, "height": 900})
    staff.picture("product-two-fields")
    fields = [page.locator(f"#id_{name}") for name in ("stock_change", "reason")]
    tops = {field.evaluate("field => field.getBoundingClientRect().top") for field in fields}
    bottoms = {field.evaluate("field => field.parentNode.getBoundingClientRect().bottom") for field in fields}
    assert (len(tops), len(bottoms)) == (1, 2), "the help of one has a line more"


def test_clock_hint_says_how_far_the_browser_is_from_seoul(chromium: Browser, http: Client) -> None:
    with Visitor.at(http.url, chromium, timezone="Asia/Bangkok") as abroad:
        abroad.with_session_of(Operator(http).with_session())
        page = abroad.open(f"coupons/coupon/{CouponFactory().pk}/change/")
        abroad.picture("coupon-abroad")
        notes = [note for note in page.locator(".timezonewarning").all() if note.is_visible()]
        assert len(notes) == 2
        assert all("2" in note.inner_text() for note in notes)
        assert all(
            note.evaluate("note => parseFloat(getComputedStyle(note).fontSize)") >= 12 for note in notes
        )
        assert abroad.complaints == []
