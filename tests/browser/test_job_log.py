"""Who changed this price, and from what."""

import pytest
from playwright.sync_api import expect

from products.factories import ProductFactory
from tests.browser.visitor import Visitor

MOST_ACTIONS = 2


@pytest.mark.parametrize("width", [1280, 390])
def test_price_change_is_found_from_the_list_of_products(staff: Visitor, width: int) -> None:
    product = ProductFactory(name="제주 말차 라떼", price=7500, stock=8)
    page = staff.open(f"products/product/{product.pk}/change/")
    page.locator("[name=price]").fill("8200")
    page.locator("[name=stock_change]").fill("50")
    page.locator("[name=reason]").fill("입고")
    page.get_by_role("button", name="저장", exact=True).click()
    page.wait_for_url("**/admin/products/product/")
    page.set_viewport_size({"width": width, "height": 844})
    staff.click(page.get_by_role("link", name="제주 말차 라떼").first)
    staff.picture(f"job-log-product-{width}")
    staff.click(page.get_by_role("link", name="변경 이력").first)
    expect(page.get_by_text("가격: 7,500원 → 8,200원 · 재고: 8개 → 58개 (사유: 입고)")).to_be_visible()
    expect(page.locator("main, #main, body").first).to_contain_text("operator")
    staff.picture(f"job-log-history-{width}")
    assert staff.actions <= MOST_ACTIONS
    assert staff.overflow() == 0
    page.get_by_role("link", name="작업 기록에서 모두 보기").click()
    expect(page.get_by_text("가격: 7,500원 → 8,200원").first).to_be_visible()
    staff.picture(f"job-log-list-{width}")
    assert staff.overflow() == 0
