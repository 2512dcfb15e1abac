"""Events of orders, beside a worker that sends them."""

from playwright.sync_api import expect

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.browser.visitor import Visitor
from tests.kit.client import Client
from tests.kit.platforms import Recorder
from tests.kit.processes import until
from tests.kit.scenes import buyer


def test_event_is_sent_again(staff: Visitor, http: Client, recorded: Recorder) -> None:
    user, product = buyer(http), ProductFactory(price=100, stock=10)
    order = http.order(user, {product.pk: 1}).json["id"]
    until(lambda: OrderEvent.objects.filter(state="delivered").exists())
    page = staff.open("orders/orderevent/")
    page.locator("[name=_selected_action]").first.check()
    page.locator("select[name=action]").select_option("redeliver")
    page.get_by_role("button", name="실행").click()
    expect(page.get_by_text("이벤트 1건을 다시 보내도록 예약했어요.")).to_be_visible()
    until(lambda: len(recorded.of_order(order)) == 2)
    first, second = recorded.of_order(order)
    assert first[1] == second[1]
