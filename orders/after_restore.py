"""Finds the orders that the data platform knows and a restored database lacks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model

from core.db.restore import Forgotten, Known, Unsafe
from core.timestamps import rfc3339
from coupons.models import Coupon, IssuedCoupon
from orders.models import Order, OrderEvent
from orders.outbox.events import ORDER_PAID
from orders.platform_file import events_in, understanding
from products.models import Product
from users.models import User


class Paid(NamedTuple):
    """A paid order as the platform has it, and every number of the shop's in it."""

    event_id: UUID
    order_id: int
    ordered_at: datetime
    ids: Sequence[tuple[type[Model], int]]
    if_forgotten: Forgotten


def known(*, events: Path) -> Known:
    """Compare the platform's file, one JSON event a line, with the orders that there are.

    Raises Unsafe where it is not all that the platform was told: where it cannot be read, a line is no event,
    or one is missing that this database delivered of an order no older than the file's first.
    """
    written = dict(OrderEvent.objects.values_list("pk", "order_id"))
    events_here = {order_id: event_id for event_id, order_id in written.items()}
    read: set[UUID] = set()
    since = datetime.max.replace(tzinfo=UTC)
    highest: dict[type[Model], int] = {}
    forgotten, given_twice = [], []
    for paid in _paid_orders(events):
        since = min(since, paid.ordered_at)
        for model, number in paid.ids:
            highest[model] = max(number, highest.get(model, 0))
        if paid.event_id not in written and paid.event_id not in read:
            forgotten.append(paid.if_forgotten)
            if here := events_here.get(paid.order_id):
                given_twice.append(f"order {paid.order_id}: event {here} here, {paid.event_id} there")
        read.add(paid.event_id)
    _require_whole(read, since=since, file=events)
    return Known(highest, forgotten, given_twice)


def _paid_orders(file: Path) -> Iterator[Paid]:
    for event in events_in(file):
        with understanding(event.place):
            if event.body["type"] != ORDER_PAID:
                continue
            data = event.body["data"]
            ordered_at = datetime.fromisoformat(event.body["time"])
            if ordered_at.tzinfo is None:
                raise ValueError(event.body["time"])
            ids = [*_ids_in(data)]
            words = f"order {ids[0][1]} of user {ids[1][1]}, {int(data['total'])} won, {rfc3339(ordered_at)}"
            if_forgotten = Forgotten(words, event.body)
            paid = Paid(UUID(event.id), ids[0][1], ordered_at.astimezone(UTC), ids, if_forgotten)
        yield paid


def _ids_in(data: Mapping[str, Any]) -> Iterator[tuple[type[Model], int]]:
    yield Order, int(data["order_id"])
    yield User, int(data["user_id"])
    for line in data["items"]:
        yield Product, int(line["product_id"])
    if data["issued_coupon_id"] is not None:
        yield Coupon, int(data["coupon_id"])
        yield IssuedCoupon, int(data["issued_coupon_id"])


def _require_whole(read: Collection[UUID], *, since: datetime, file: Path) -> None:
    # The platform may have dropped what is older than its first event.
    delivered = OrderEvent.objects.filter(state=OrderEvent.State.DELIVERED)
    if read:
        delivered = delivered.filter(order__ordered_at__gte=since)
    missing = [pk for pk in delivered.values_list("pk", flat=True).iterator() if pk not in read]
    if missing:
        raise Unsafe(f"{file} lacks {len(missing)} events that were delivered, such as {missing[0]}")
