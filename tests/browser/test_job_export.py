"""What it costs to take last week's orders along."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from backoffice.filters import day_ranges
from orders.models import Order
from tests.browser.visitor import Visitor
from tests.kit.backoffice import buy
from tests.kit.files import rows_of

ACTIONS = 5


def test_last_week_s_orders_are_exported_in_five_actions(staff: Visitor) -> None:
    monday, sunday = dict(day_ranges(today=timezone.localdate()))["지난주"]
    for days in (3, 10):
        buy()
        Order.objects.filter(pk=Order.objects.latest("pk").pk).update(
            ordered_at=timezone.now() - timedelta(days=timezone.localdate().weekday() + days)
        )
    page = staff.open("")
    staff.click(page.locator("#nav-sidebar").get_by_role("link", name="주문", exact=True))
    staff.click(page.locator("#changelist a", has_text="필터").first)
    staff.picture("export-filter")
    staff.click(page.get_by_role("link", name="지난주", exact=True))
    staff.click(page.get_by_role("link", name="내보내기"))
    staff.picture("export-orders")
    with page.expect_download() as saved:
        staff.click(page.get_by_role("button", name="내보내기"))
    assert staff.actions <= ACTIONS
    assert saved.value.suggested_filename == f"Order-{monday}_{sunday}.csv"
    assert [row[0] for row in rows_of(Path(saved.value.path()).read_bytes())[1:]] == [
        str(Order.objects.earliest("pk").pk)
    ]
