"""Without a mouse: everything can be reached by Tab, is seen to be, and works by Enter."""

import pytest
from playwright.sync_api import Page, expect

from products.models import Product
from tests.browser.shop import open_for_days
from tests.browser.visitor import Visitor
from tests.kit.client import Client
from tests.kit.operator import NAME, PASSWORD, Operator

# What the focused element shows of it, beside how it looks without.
FOCUS = """() => {
  const element = document.activeElement;
  const looks = () => {
    return [element, element.parentElement].map((each) => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(each);
      return [outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor].join();
    }).join();
  };
  const focused = looks();
  element.blur();
  const plain = looks();
  element.focus({ focusVisible: true });
  return { seen: focused !== plain, name: element.outerHTML.slice(0, 200) };
}"""


def stops(page: Page) -> list[str]:
    """Where Tab leads, one after the other, until it leaves the page. Fails where one is not seen."""
    reached: list[str] = []
    unseen = []
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        focus = page.evaluate(FOCUS)
        reached.append(focus["name"])
        if not focus["seen"]:
            unseen.append(focus["name"])
    assert unseen == []
    return reached


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {selector}")


def test_sign_in_and_adding_a_product_take_no_mouse(visitor: Visitor, http: Client) -> None:
    Operator(http).sign_in()
    page = visitor.open("")
    tab_to(page, "[name=username]")
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#nav-sidebar")).to_be_visible()
    tab_to(page, "#nav-sidebar a[href='/admin/products/product/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/products/product/")
    tab_to(page, "a[href^='/admin/products/product/add/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/**")
    for name, value in {"name": "아메리카노", "price": "4500", "stock": "100"}.items():
        tab_to(page, f"[name={name}]")
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/products/product/")
    assert Product.objects.get().price == 4500


def test_focus_is_visible_wherever_tab_leads(staff: Visitor) -> None:
    open_for_days()
    for path in (
        "",
        "products/product/",
        "products/product/add/",
        "orders/orderevent/",
        "products/product/import/",
    ):
        assert len(stops(staff.open(path))) > 4


def test_focus_that_is_not_seen_is_noticed(staff: Visitor) -> None:
    page = staff.open("")
    page.add_style_tag(content="*:focus { outline: none !important }")
    with pytest.raises(AssertionError, match="skip-link"):
        stops(page)


def test_language_is_switched_by_keyboard(staff: Visitor) -> None:
    page = staff.open("")
    tab_to(page, "#nav-sidebar [role=button][title='내 계정']")
    page.keyboard.press("Enter")
    tab_to(page, "form:has([value=en]) button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Members")).to_be_visible()


def test_menu_on_a_phone_opens_by_touch_and_by_keyboard(phone: Visitor) -> None:
    page = phone.open("")
    members = page.locator("#nav-sidebar a[href='/admin/users/user/']")
    expect(members).to_be_hidden()
    page.get_by_role("button", name="메뉴").locator("visible=true").click()
    phone.picture("menu-ko-390")
    members.click()
    page.wait_for_url("**/admin/users/user/")
    tab_to(page, "[role=button][aria-label='메뉴']")
    page.keyboard.press("Enter")
    expect(members).to_be_visible()
    expect(page.locator("#nav-sidebar a").first).to_be_focused()
