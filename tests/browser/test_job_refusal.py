"""Learning why a member's order failed."""

import pytest
from playwright.sync_api import expect

from backoffice.refusals.models import Refusal
from products.factories import ProductFactory
from tests.browser.visitor import Visitor
from tests.kit.client import Client
from tests.kit.processes import until
from tests.kit.scenes import buyer
from users.models import User

MOST_ACTIONS = 3


@pytest.fixture
def refused(http: Client) -> User:
    """A member whose order failed, for the points did not reach."""
    user, product = buyer(http, points=100), ProductFactory(price=4500, stock=10)
    User.objects.filter(pk=user.pk).update(name="김동현")
    answer = http.order(user, {product.pk: 1})
    assert answer.status == 409
    until(lambda: Refusal.objects.filter(request_id=answer.headers["X-Request-Id"]).exists())
    return user


def test_reason_is_found_by_the_members_number(staff: Visitor, refused: User) -> None:
    page = staff.open("")
    staff.click(page.get_by_role("link", name="거절된 요청"))
    staff.fill(page.locator("#searchbar"), str(refused.pk))
    staff.press("Enter")
    page.wait_for_url("**q=*")
    expect(page.locator("#result_list")).to_contain_text("(insufficient_points)")
    expect(page.locator("#result_list")).to_contain_text("4500")
    staff.picture("job-refusal-1280")
    assert staff.actions <= MOST_ACTIONS


def test_reason_is_found_by_the_members_name_on_a_phone(phone: Visitor, refused: User) -> None:
    page = phone.open("")
    phone.fill(page.get_by_role("searchbox", name="전체 검색"), "김동현")
    phone.press("Enter")
    phone.click(page.locator("#content").get_by_role("link", name="거절된 요청"))
    expect(page.locator("#result_list")).to_contain_text("(insufficient_points)")
    phone.picture("job-refusal-390")
    assert phone.actions <= MOST_ACTIONS
