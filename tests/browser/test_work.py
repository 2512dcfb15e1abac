"""What staff do all day, by mouse."""

import re

from playwright.sync_api import expect

from products.factories import ProductFactory
from products.models import Product
from tests.browser.shop import open_for_days
from tests.browser.visitor import Visitor
from tests.kit.client import Client
from tests.kit.invariants import broken_rules
from tests.kit.operator import NAME, PASSWORD, Operator
from tests.kit.scenes import buyer
from users.models import User

SCRIPT = "<script>alert('1')</script>"


def test_empty_shop_is_filled_by_following_the_first_page(visitor: Visitor, http: Client) -> None:
    Operator(http).sign_in()
    page = visitor.open("")
    page.get_by_label("로그인 이름").fill(NAME)
    page.get_by_label("비밀번호").fill(PASSWORD)
    visitor.picture("sign-in")
    page.get_by_role("button", name="로그인").click()
    for step, fields in enumerate(
        ({"name": "김하나"}, {"name": "아메리카노", "price": "4500", "stock": "100"})
    ):
        page.goto("/admin/")
        page.locator(".dash-steps li").nth(step).get_by_role("link", name="하나씩 등록").click()
        for name, value in fields.items():
            page.locator(f"[name={name}]").fill(value)
        page.get_by_role("button", name="저장", exact=True).click()
        expect(page.get_by_text("등록했어요")).to_be_visible()
    assert (User.objects.get().name, Product.objects.get().stock) == ("김하나", 100)
    page.goto("/admin/")
    expect(page.locator(".dash-done")).to_have_count(2)


def test_restocking_while_an_order_runs_counts_both(staff: Visitor, http: Client) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=10)
    page = staff.open(f"products/product/{product.pk}/change/")
    assert http.order(user, {product.pk: 3}).status == 201
    page.locator("[name=stock_change]").fill("5")
    page.locator("[name=reason]").fill("입고")
    page.get_by_role("button", name="저장", exact=True).click()
    page.wait_for_url("**/admin/products/product/")
    product.refresh_from_db()
    assert product.stock == 10 - 3 + 5
    assert broken_rules(stock={product.pk: 15}) == []


def test_first_page_shows_charts_with_links_to_the_lists(staff: Visitor) -> None:
    open_for_days()
    page = staff.open("")
    chart = page.get_by_role("img", name="주문: 모두").last
    expect(chart).to_have_accessible_name(re.compile("주문: 모두 9건. 가장 많은 때: "))
    page.get_by_text("시간대별 숫자 보기").click()
    expect(page.locator(".dash-figures[open] tbody tr")).to_have_count(72)
    page.locator(".dash-numbers a").last.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.go_back()
    page.get_by_role("link", name="재고 부족 상품 모두 보기").click()
    expect(page.get_by_text("아주 긴 이름을 가진")).to_be_visible()


def test_language_is_switched_and_stays(staff: Visitor) -> None:
    page = staff.open("products/product/")
    page.locator("#nav-sidebar").get_by_text("operator").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Members")).to_be_visible()
    staff.open("")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert page.locator("html").get_attribute("lang") == "en"


def test_name_with_a_script_is_shown_and_not_run(staff: Visitor, http: Client) -> None:
    product = ProductFactory(name=SCRIPT, price=100, stock=5)
    user = buyer(http)
    User.objects.filter(pk=user.pk).update(name=SCRIPT)
    order = http.order(user, {product.pk: 1}).json["id"]
    rows = ("", "products/product/", f"products/product/{product.pk}/change/", "users/user/")
    for path in (*rows, f"orders/order/{order}/change/", f"users/user/{user.pk}/change/", "orders/order/"):
        page = staff.open(path)
        shown = page.get_by_text(SCRIPT).or_(page.locator("input[name=name]"))
        expect(shown.locator("visible=true").first).to_be_visible()
