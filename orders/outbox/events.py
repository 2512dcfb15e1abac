"""The event of a paid order, as the data platform reads it."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.timestamps import rfc3339

ORDER_PAID = "order.paid.v1"

# A product's id and name, the price of one, and how many.
Line = tuple[int, str, int, int]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DueEvent(NamedTuple):
    """An event that is to be sent: a row of orders.sql.CLAIM. `waited` is seconds from order to claim."""

    id: UUID
    attempts: int
    request_id: str
    source: str
    order_id: int
    user_id: int
    subtotal: int
    discount: int
    total: int
    coupon_id: int | None
    issued_coupon_id: int | None
    ordered_at: datetime
    waited: float
    lines: Sequence[Line]


def render(event: DueEvent) -> bytes:
    """The event's body: the same bytes on every attempt, for all of it comes from rows that never change.

    A change of this form is a new version beside this one, never an edit.
    """
    ordered_at = rfc3339(event.ordered_at)
    envelope = {
        "specversion": "1.0",
        "id": str(event.id),
        "source": event.source,
        "type": ORDER_PAID,
        "subject": str(event.order_id),
        "time": ordered_at,
        "datacontenttype": "application/json",
        "data": {
            "order_id": event.order_id,
            "user_id": event.user_id,
            "items": [
                {
                    "product_id": product_id,
                    "product_name": product_name,
                    "unit_price": unit_price,
                    "quantity": quantity,
                    "amount": unit_price * quantity,
                }
                for product_id, product_name, unit_price, quantity in event.lines
            ],
            "subtotal": event.subtotal,
            "discount": event.discount,
            "total": event.total,
            "currency": "KRW",
            "coupon_id": event.coupon_id,
            "issued_coupon_id": event.issued_coupon_id,
            "ordered_at": ordered_at,
        },
    }
    return _encode(envelope).encode()
