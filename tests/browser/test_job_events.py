"""Sending again what the data platform did not take."""

import json

import pytest
from playwright.sync_api import expect

from orders.models import OrderEvent
from tests.browser.shop import open_for_days
from tests.browser.visitor import Visitor
from tests.kit.backoffice import page_of

MOST_ACTIONS = 3


@pytest.mark.parametrize("width", [1280, 390])
def test_dead_event_is_sent_again_from_its_order(staff: Visitor, width: int) -> None:
    open_for_days()
    event = OrderEvent.objects.filter(state="dead").earliest("order_id")
    staff.page.set_viewport_size({"width": width, "height": 844})
    page = staff.open("")
    staff.fill(page.get_by_role("searchbox", name="전체 검색"), f"#{event.order_id:,}")
    staff.press("Enter")
    page.wait_for_url(f"**{page_of(event.order)}")
    staff.picture(f"job-events-order-{width}")
    staff.click(page.get_by_role("button", name="다시 보내기"))
    expect(page.get_by_text("이벤트 1건을 다시 보내도록 예약했어요.")).to_be_visible()
    assert page.url.endswith(page_of(event.order))
    assert staff.actions <= MOST_ACTIONS
    event.refresh_from_db()
    assert event.state != "dead"


def test_payload_is_read_and_copied(staff: Visitor) -> None:
    open_for_days()
    event = OrderEvent.objects.latest("order_id")
    staff.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = staff.open(f"orders/orderevent/{event.pk}/change/")
    page.get_by_text("데이터 플랫폼에 보내는 내용").click()
    page.get_by_role("button", name="복사").click()
    expect(page.get_by_role("button", name="복사했어요")).to_be_visible()
    staff.picture("job-events-payload")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert json.loads(copied) == json.loads(page.locator("pre").inner_text())
    assert json.loads(copied)["data"]["order_id"] == event.order_id


def test_dead_events_are_sent_again_by_their_error(staff: Visitor) -> None:
    open_for_days()
    first = OrderEvent.objects.filter(state="dead").earliest("order_id")
    OrderEvent.objects.filter(pk=first.pk).update(last_error="TimeoutError: timed out")
    page = staff.open("orders/orderevent/")
    staff.picture("job-events-list")
    staff.click(page.get_by_role("link", name="이 목록의 전송 포기 다시 보내기"))
    expect(page.get_by_text("이벤트 2건을 다시 보낼까요?")).to_be_visible()
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        staff.picture(f"job-events-dead-{width}")
        assert staff.overflow() <= 0
    group = page.locator("#content li").filter(has_text="TimeoutError")
    staff.click(group.get_by_role("button", name="1건 다시 보내기"))
    expect(page.get_by_text("이벤트 1건을 다시 보내도록 예약했어요.")).to_be_visible()
    assert OrderEvent.objects.filter(state="dead").count() == 1
