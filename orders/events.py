"""The event of a paid order, as the data platform reads it."""

import json

from api.times import rfc3339
from orders.models import Order, OrderEvent, OrderItem

CONTENT_TYPE = "application/cloudevents+json"
ORDER_PAID = "order.paid.v1"


def render(event: OrderEvent) -> bytes:
    """The event's body: the same bytes on every attempt, for all of it comes from rows that never change.

    A change of this form is a new version beside this one, never an edit.
    """
    order = event.order
    moment = rfc3339(order.ordered_at)
    envelope = {
        "specversion": "1.0",
        "id": str(event.pk),
        "source": event.source,
        "type": ORDER_PAID,
        "subject": str(order.pk),
        "time": moment,
        "datacontenttype": "application/json",
        "data": {
            "order_id": order.pk,
            "user_id": order.user_id,
            "items": [_item(item) for item in order.lines],
            "subtotal": order.subtotal,
            "discount": order.discount,
            "total": order.total,
            "currency": "KRW",
            "coupon_id": _coupon_id(order),
            "issued_coupon_id": order.issued_coupon_id,
            "ordered_at": moment,
        },
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def _item(item: OrderItem) -> dict[str, object]:
    return {
        "product_id": item.product_id,
        "product_name": item.product_name,
        "unit_price": item.unit_price,
        "quantity": item.quantity,
        "amount": item.amount,
    }


def _coupon_id(order: Order) -> int | None:
    return order.issued_coupon.coupon_id if order.issued_coupon else None
