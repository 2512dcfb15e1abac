"""Events as a sender has them once they are claimed, read by the ORM: the twin of `orders.sql.claim_rows`."""

from django.db.models import QuerySet

from orders.models import OrderEvent, OrderItem
from orders.outbox.events import DueEvent, render

COLUMNS = (
    *("id", "attempts", "request_id", "source", "traceparent", "order_id"),
    *("order__user_id", "order__subtotal", "order__discount", "order__total"),
    *("order__issued_coupon__coupon_id", "order__issued_coupon_id", "order__ordered_at"),
)
LINE = ("product_id", "product_name", "unit_price", "quantity")


def due_events(events: QuerySet[OrderEvent]) -> list[DueEvent]:
    """What a claim returns of them; `waited` is 0."""
    return [DueEvent._make((*row, 0.0, _lines(row[5]))) for row in events.values_list(*COLUMNS)]


def body(event: OrderEvent) -> bytes:
    """What is posted of it."""
    (due,) = due_events(OrderEvent.objects.filter(pk=event.pk))
    return render(due)


def _lines(order_id: int) -> list[list[int | str]]:
    lines = OrderItem.objects.filter(order_id=order_id).order_by("pk").values_list(*LINE)
    return [list(line) for line in lines]
