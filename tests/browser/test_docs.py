"""The API documentation in the browser."""

from tests.browser.visitor import Visitor

PURCHASE = ["list_products", "charge_points", "issue_coupon", "quote_order", "get_best_sellers"]


def test_docs_keep_the_caller_over_a_reload_and_lead_back(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.url}/api/docs")
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.locator(".auth-container input").first.fill("17")
    page.locator(".auth-container .authorize").first.click()
    page.reload()
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.locator(".auth-container").get_by_role("button", name="Remove authorization").wait_for()
    visitor.picture("docs")
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator(".close-modal").click()
    page.get_by_role("navigation").get_by_role("link", name="pointshop").click()
    assert page.url == f"{visitor.url}/"


def test_docs_list_operations_in_the_order_of_a_purchase(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.url}/api/docs")
    page.locator(".opblock").first.wait_for()
    shown = page.locator(".opblock").evaluate_all("all => all.map(each => each.id)")
    places = [next(i for i, each in enumerate(shown) if each.endswith(name)) for name in PURCHASE]
    assert places == sorted(places)
