"""For everybody's hands and eyes: no page breaks a rule of axe, and a keyboard is soon where the work is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from products.factories import ProductFactory
from tests.browser.axe import everywhere, violations
from tests.browser.shop import PAGES, address, open_for_days
from tests.browser.visitor import Visitor

# Swagger UI puts an operation's link, and the lock that asks for its caller, into the button that opens it.
OF_SWAGGER_UI = frozenset({"nested-interactive"})
PLAIN = ("/", "/problems", "/problems/out_of_stock", "/admin/nowhere/", "/admin/password_change/")


def test_pages_of_the_admin_break_no_rule_of_accessibility(staff: Visitor) -> None:
    open_for_days()
    found = {name: everywhere(staff.open(address(path))) for name, path in PAGES.items()}
    assert {name: broken for name, broken in found.items() if broken} == {}


def test_pages_beside_the_admin_break_no_rule_of_accessibility(staff: Visitor) -> None:
    found = {}
    for path in PLAIN:
        staff.page.goto(path)
        found[path] = everywhere(staff.page)
    assert {path: broken for path, broken in found.items() if broken} == {}
    staff.complaints[:] = [each for each in staff.complaints if "404" not in each]


def test_docs_break_no_rule_of_accessibility_that_can_be_kept_there(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/api/docs")
    operations = page.locator(".opblock-summary-control")
    operations.nth(1).click()
    page.locator(".opblock-body table.responses-table").wait_for()
    assert everywhere(page, exempt=OF_SWAGGER_UI) == {}
    # What is exempt is still there, and nowhere else.
    inside = violations(page, sorted(OF_SWAGGER_UI))["nested-interactive"]
    assert all('class="opblock-summary-control"' in each for each in inside)


def test_signing_in_breaks_no_rule_of_accessibility(visitor: Visitor) -> None:
    page = visitor.open("login/")
    assert everywhere(page) == {}
    page.locator("[name=username]").fill("nobody")
    page.locator("[name=password]").fill("nothing")
    page.get_by_role("button", name="로그인").click()
    expect(page.get_by_text("로그인 이름이나 비밀번호가 맞지 않아요.")).to_be_visible()
    assert everywhere(page) == {}


def menu(page: Page) -> None:
    page.locator("#nav-sidebar [title='내 계정']").click()


def filters(page: Page) -> None:
    page.goto("/admin/orders/order/")
    page.locator("#changelist [role=button]").get_by_text("필터").click()


def selection(page: Page) -> None:
    page.goto("/admin/orders/orderevent/")
    page.locator("#result_list tbody input").first.check()


def calendar(page: Page) -> None:
    page.goto("/admin/coupons/coupon/add/")
    page.locator(".datetimeshortcuts a:has(.date-icon)").first.click()


def mistakes(page: Page) -> None:
    page.goto("/admin/auth/user/add/")
    page.get_by_role("button", name="저장", exact=True).click()
    page.locator("[aria-invalid=true]").first.wait_for()


def deletion(page: Page) -> None:
    page.goto(f"/admin/products/product/{ProductFactory().pk}/delete/")


def nothing_found(page: Page) -> None:
    page.goto("/admin/orders/order/?q=0")


@pytest.mark.parametrize("shown", [menu, filters, selection, calendar, mistakes, deletion, nothing_found])
def test_element_shown_by_a_click_breaks_no_rule_of_accessibility(
    staff: Visitor, shown: Callable[[Page], None]
) -> None:
    open_for_days()
    page = staff.open("")
    shown(page)
    assert everywhere(page) == {}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("main => main.outerHTML = main.innerHTML", "landmark-one-main"),
        ("main => main.querySelector('h1').style.color = '#bbb'", "color-contrast"),
        ("main => main.querySelector('[name=name]').labels[0].remove()", "label"),
        ("main => main.append(document.createElement('h5'))", "heading-order"),
    ],
)
def test_broken_rule_of_accessibility_is_noticed(staff: Visitor, change: str, rule: str) -> None:
    page = staff.open("products/product/add/")
    assert violations(page) == {}
    page.locator("main").evaluate(change)
    assert rule in violations(page)


def tabs_to(page: Page, selector: str) -> int:
    """How often Tab is pressed until the element has the focus, with Enter on the way past the sidebar."""
    page.locator(selector).first.wait_for()
    for presses in range(40):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return presses
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.matches('.skip-link')"):
            page.keyboard.press("Enter")
            page.wait_for_function("() => !document.activeElement.matches('.skip-link')")
    raise AssertionError(f"Tab does not reach {selector}")


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("orders/order/", "#result_list tbody a"),
        ("orders/orderevent/", "#result_list tbody a"),
        ("products/product/", "#result_list tbody a"),
        ("products/product/add/", "[name=name]"),
        ("products/product/{}/change/", "[name=name]"),
        ("coupons/coupon/{}/change/", "[name=name]"),
        ("products/product/import/", "[type=file]"),
        ("orders/order/?q=0", "#searchbar"),
    ],
)
def test_first_row_or_field_is_five_tabs_away_at_most(staff: Visitor, path: str, first: str) -> None:
    open_for_days()
    assert tabs_to(staff.open(address(path)), first) <= 5


def test_first_field_without_the_way_past_the_sidebar_is_far(staff: Visitor) -> None:
    page = staff.open(f"products/product/{ProductFactory().pk}/change/")
    page.locator(".skip-link").evaluate("link => link.remove()")
    assert tabs_to(page, "[name=name]") > 5


def test_mistake_stands_at_its_field_and_the_first_has_the_focus(staff: Visitor) -> None:
    page = staff.open("products/product/add/")
    page.locator("[name=name]").fill("라떼")
    page.get_by_role("button", name="저장", exact=True).click()
    expect(page.locator("[name=price]")).to_be_focused()
    for name in ("price", "stock"):
        expect(page.locator(f"[name={name}]")).to_have_accessible_description("꼭 입력해 주세요.")
    expect(page.get_by_role("alert")).to_have_text("고칠 곳이 2개 있어요.")


# A box to be ticked is ticked by its label, too; of bars, see axe.py.
SMALL = """least => [...document.querySelectorAll("main :is(a, button, [role=button], input, select)")]
  .filter((each) => !(["checkbox", "radio"].includes(each.type) && each.labels.length))
  .filter((each) => !each.matches(".dash-read"))
  .filter((each) => each.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((each) => [each.getBoundingClientRect(), each.outerHTML.replace(/\\s+/g, " ").slice(0, 160)])
  .filter(([{ width, height }]) => width && (Math.round(width) < least || Math.round(height) < least))
  .map(([, each]) => each)"""


@pytest.mark.parametrize("width", [1440, 390])
def test_targets_are_24_pixels_wide_and_high(staff: Visitor, width: int) -> None:
    open_for_days()
    staff.page.set_viewport_size({"width": width, "height": 900})
    found = {name: staff.open(address(path)).evaluate(SMALL, 24) for name, path in PAGES.items()}
    assert {name: small for name, small in found.items() if small} == {}
    assert staff.page.evaluate(SMALL, 60)


def test_cards_on_a_phone_are_twenty_and_compact_and_the_others_one_touch_away(phone: Visitor) -> None:
    ProductFactory.create_batch(25)
    page = phone.open("products/product/")
    cards = page.locator("#result_list tbody:visible")
    expect(cards).to_have_count(20)
    assert max(cards.nth(i).evaluate("card => card.offsetHeight") for i in range(20)) <= 180
    phone.picture("products-cards-390")
    page.get_by_role("button", name="나머지 보기 (5)").click()
    expect(cards).to_have_count(25)
    page.set_viewport_size({"width": 1440, "height": 900})
    phone.open("products/product/")
    expect(cards).to_have_count(25)


def test_save_is_the_first_button_below_a_form_on_a_phone(phone: Visitor) -> None:
    page = phone.open(f"products/product/{ProductFactory().pk}/change/")
    buttons = page.locator("#submit-row :is(button, a):visible").all()
    tops = {
        each.inner_text().strip(): each.evaluate("it => it.getBoundingClientRect().top") for each in buttons
    }
    assert min(tops, key=lambda name: tops[name]) == "저장"
    assert max(tops, key=lambda name: tops[name]) == "상품 삭제"
