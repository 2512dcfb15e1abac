"""Events of the outbox: claiming, rendering and marking them."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from core.db.exchange import send_one
from core.db.statements import AnyOf, Update, statement
from core.db.transactions import atomic_with_retries, retried
from core.timestamps import rfc3339
from orders import sql
from orders.models import OrderEvent, OrderEventQuerySet

ORDER_PAID = "order.paid.v1"
# Few enough that a worker which marks one of them waits for milliseconds.
REDELIVERED_AT_ONCE = 1_000

# A product's id and name, the price of one, and how many.
Line = tuple[int, str, int, int]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DueEvent(NamedTuple):
    """An event that is to be sent: a row of `sql.claim_rows`, in the order of its SELECT.

    `waited` is seconds from order to claim.
    """

    id: UUID
    attempts: int
    request_id: str
    source: str
    traceparent: str
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


def claim(*, limit: int, lease: timedelta) -> list[DueEvent]:
    """Lease up to `limit` due events for a while; rows another sender is claiming are passed over."""
    return [DueEvent(*row) for row in send_one(sql.claim_rows(limit=limit, lease=lease))]


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
        **({"traceparent": event.traceparent} if event.traceparent else {}),
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


def body_of(*, event: OrderEvent) -> bytes:
    """The body that is posted for the event, in any state."""
    order = event.order
    lines = order.items.order_by("pk").values_list("product_id", "product_name", "unit_price", "quantity")
    return render(
        DueEvent(
            id=event.pk,
            attempts=event.attempts,
            request_id=event.request_id,
            source=event.source,
            traceparent=event.traceparent,
            order_id=order.pk,
            user_id=order.user_id,
            subtotal=order.subtotal,
            discount=order.discount,
            total=order.total,
            coupon_id=order.issued_coupon.coupon_id if order.issued_coupon else None,
            issued_coupon_id=order.issued_coupon_id,
            ordered_at=order.ordered_at,
            waited=0,
            lines=list(lines),
        )
    )


@statement
def _mark_delivered(*, event_ids: list[UUID]) -> Update:
    pending = OrderEvent.objects.filter(AnyOf(F("pk"), event_ids), state=OrderEvent.State.PENDING)
    # An UPDATE by itself takes its rows in any order: it and `redeliver` would wait for each other.
    in_order = OrderEvent.objects.filter(pk__in=pending.locked().values("pk"))
    changes = {"delivered_at": Now(), "leased_until": None, "last_error": ""}
    return Update(in_order, {"state": OrderEvent.State.DELIVERED, **changes})


# Without a retry what the platform has taken would be posted again.
@retried()
def mark_delivered(*, event_ids: Iterable[UUID]) -> None:
    """Mark these delivered; an event that is no longer pending stays as it is.

    Raises Busy or Unavailable, as `retried` does.
    """
    send_one(_mark_delivered(event_ids=list(event_ids)))


@retried()
def mark_failed(*, event: DueEvent, error: str, wait: timedelta | None) -> None:
    """The attempt failed: due again after `wait`, or dead where that is None.

    An event that was claimed anew meanwhile, or is to be sent again, stays as it is.
    Raises Busy or Unavailable, as `retried` does.
    """
    outcome = {"state": OrderEvent.State.DEAD} if wait is None else {"next_attempt_at": Now() + wait}
    ours = OrderEvent.objects.filter(pk=event.id, state=OrderEvent.State.PENDING, attempts=event.attempts)
    ours.update(leased_until=None, last_error=error, **outcome)


def redeliver(*, events: OrderEventQuerySet) -> int:
    """Make all of these due now, in any state, by ascending id; returns how many.

    Raises Busy or Unavailable, as `retried` does; then those before the failure are due.
    """
    count = 0
    while True:
        ids = _redeliver_next(events=events)
        count += len(ids)
        if len(ids) < REDELIVERED_AT_ONCE:
            return count
        events = events.filter(pk__gt=ids[-1])


@atomic_with_retries
def _redeliver_next(*, events: OrderEventQuerySet) -> list[UUID]:
    ids = list(events.locked().values_list("pk", flat=True)[:REDELIVERED_AT_ONCE])
    OrderEvent.objects.filter(pk__in=ids).redeliver()
    return ids
