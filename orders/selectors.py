"""Reading orders."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, F, Min, Q, QuerySet, Sum, When
from django.db.models.functions import TruncHour

from core.db.exchange import send_durably
from core.db.pages import Page, PageShape
from core.db.statements import AnyOf, statement, variants
from core.db.transactions import database_now
from core.idempotency import IdempotencyKey
from core.timestamps import SEOUL
from orders.models import Order, OrderEvent, OrderEventQuerySet, OrderItem
from users.selectors import read_for_member

NEWEST_FIRST = ("-ordered_at", "-id")


class OrderLine(NamedTuple):
    """A line item: name and price as they were when it was bought, in won."""

    product_id: int
    product_name: str
    unit_price: int
    quantity: int

    @property
    def amount(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order as its customer sees it, lines in the order they were asked for."""

    id: int
    status: str
    items: list[OrderLine]
    subtotal: int
    discount: int
    total: int
    issued_coupon_id: int | None
    balance_after: int
    ordered_at: datetime


OF_ORDER = [each.name for each in fields(PaidOrder) if each.name != "items"]
# A row for each line, with its order; one without a line for an order that has none.
WITH_LINES = (*OF_ORDER, *(f"items__{name}" for name in OrderLine._fields))


@dataclass(frozen=True)
class Sales:
    """Units sold, and their amount in won."""

    units: int = 0
    amount: int = 0

    def __add__(self, other: "Sales") -> "Sales":
        return Sales(self.units + other.units, self.amount + other.amount)

    def __neg__(self) -> "Sales":
        return Sales(-self.units, -self.amount)


@statement
def _one_with_lines(*, user_id: int, order_id: int) -> "QuerySet[Order, Any]":
    return Order.objects.filter(user_id=user_id, pk=order_id).order_by("items__pk").values_list(*WITH_LINES)


@variants("shape")
def _page_with_lines(
    *, user_id: int, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[Order, Any]":
    page = shape.of(Order.objects.filter(user_id=user_id), NEWEST_FIRST, pk=pk, timestamp=timestamp)
    found = Order.objects.filter(pk__in=page.values("pk"))
    return found.order_by(*shape.ordered(NEWEST_FIRST), "items__pk").values_list(*WITH_LINES)


@statement
def _made_with(*, user_id: int, key: str) -> "QuerySet[Order, Any]":
    # Locked, as `send_durably` needs.
    claimed = Order.objects.filter(user_id=user_id, idempotency_key=key)
    claimed = claimed.select_for_update(of=("self",), no_key=True)
    return claimed.order_by("items__pk").values_list(*WITH_LINES, "request_hash")


def order_of(*, user_id: int, order_id: int) -> list[PaidOrder]:
    """The user's order of that id, if there is one. Raises NotRegistered."""
    found = _one_with_lines(user_id=user_id, order_id=order_id)
    return _orders(read_for_member(found, user_id=user_id))


def orders_of(*, user_id: int, page: Page) -> list[PaidOrder]:
    """A page of the user's orders, newest first. Raises NotRegistered."""
    found = _page_with_lines(user_id=user_id, **page.by_timestamp)
    return _orders(read_for_member(found, user_id=user_id))


def order_made_with(*, user_id: int, key: IdempotencyKey) -> PaidOrder | None:
    """The order that this key of this user made, if one did, once that is durable.

    Raises IdempotencyKeyReused.
    """
    found = send_durably(_made_with(user_id=user_id, key=key.key))
    if not found:
        return None
    key.check(first_hash=found[0][-1])
    (made,) = _orders(found)
    return made


def _orders(found: list[Any]) -> list[PaidOrder]:
    return [_order(list(rows)) for _id, rows in groupby(found, itemgetter(0))]


def _order(rows: list[tuple[Any, ...]]) -> PaidOrder:
    # Behind WITH_LINES may stand the hash of the request.
    of_lines = (row[len(OF_ORDER) : len(WITH_LINES)] for row in rows)
    items = [OrderLine(*line) for line in of_lines if line[0] is not None]
    return PaidOrder(items=items, **dict(zip(OF_ORDER, rows[0], strict=False)))


def first_order_between(*, after: datetime, until: datetime) -> datetime | None:
    """When the first order with `after < ordered_at <= until` was made, by one look into an index."""
    found = Order.objects.filter(ordered_at__gt=after, ordered_at__lte=until)
    first: datetime | None = found.aggregate(first=Min("ordered_at"))["first"]
    return first


def sales_between(*, after: datetime, until: datetime) -> dict[int, Sales]:
    """What each product sold in paid orders with `after < ordered_at <= until`, by product id."""
    paid = Order.objects.filter(status=Order.Status.PAID, ordered_at__gt=after, ordered_at__lte=until)
    # Joined to some thousands of orders, the planner would rather read every line there ever was.
    sold = OrderItem.objects.filter(AnyOf(F("order_id"), ArraySubquery(paid.values("pk"))))
    sums = sold.values_list("product_id").annotate(
        units=Sum("quantity"), won=Sum(F("quantity") * F("unit_price"))
    )
    return {product_id: Sales(int(units), int(won)) for product_id, units, won in sums}


@dataclass(frozen=True)
class SalesTotal:
    """How many orders were paid, and the won paid for them."""

    orders: int = 0
    paid: int = 0

    @property
    def average(self) -> int | None:
        return (2 * self.paid + self.orders) // (2 * self.orders) if self.orders else None

    def __add__(self, other: "SalesTotal") -> "SalesTotal":
        return SalesTotal(self.orders + other.orders, self.paid + other.paid)


def spending_of(*, user_id: int, max_orders: int) -> SalesTotal:
    """The total of the member's newest orders, at most `max_orders` of them."""
    newest = Order.objects.filter(user_id=user_id).order_by("-ordered_at", "-pk")[:max_orders]
    sums = newest.aggregate(orders=Count("pk"), paid=Sum("total", default=0))
    return SalesTotal(sums["orders"], int(sums["paid"]))


def sales_by_hour(*, since: datetime, until: datetime) -> dict[datetime, SalesTotal]:
    """Orders and won paid in each hour with an order, by the hour's start; `since <= ordered_at <= until`."""
    paid = Order.objects.filter(status=Order.Status.PAID, ordered_at__gte=since, ordered_at__lte=until)
    by_hour = paid.annotate(hour=TruncHour("ordered_at", tzinfo=SEOUL)).values_list("hour")
    sums = by_hour.annotate(Count("pk"), Sum("total"))
    return {hour: SalesTotal(count, int(won)) for hour, count, won in sums}


@dataclass(frozen=True)
class OutboxStatus:
    """How many events wait, how many are given up on, and for how many seconds one has been due.

    One that waits for its next attempt is not due.
    """

    pending: int
    dead: int
    overdue_seconds: float


def outbox_status(*, max_count: int | None = None) -> OutboxStatus:
    """The undelivered events; bounded by `max_count`, as quick to read after days without a platform."""
    pending = OrderEvent.objects.filter(state=OrderEvent.State.PENDING)
    dead = OrderEvent.objects.filter(state=OrderEvent.State.DEAD)
    first_due = pending.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return OutboxStatus(
        pending=pending.values("pk")[:max_count].count(),
        dead=dead.values("pk")[:max_count].count(),
        overdue_seconds=_seconds_since(first_due),
    )


@dataclass(frozen=True)
class Waiting:
    """Of the events that wait: how many failed at least once, and the age in seconds of the oldest order."""

    retrying: int
    oldest_seconds: float


def waiting_events(*, max_count: int) -> Waiting:
    """The waiting events, of the first `max_count` that are due."""
    pending = OrderEvent.objects.filter(state=OrderEvent.State.PENDING)
    # An event that is sent again starts with 0 attempts and keeps its last error.
    failed = Case(When(Q(attempts__gt=0) & ~Q(last_error=""), then=1), default=0)
    first = pending.order_by("next_attempt_at", "id").values_list("order_id", failed)[:max_count]
    waiting = list(first)
    # Ids grow with time, but for what is committed side by side: the oldest order is among the first of them.
    lowest = sorted(order_id for order_id, _failed in waiting)[:100]
    # MIN() would walk through all orders by their time.
    oldest = min(Order.objects.filter(pk__in=lowest).values_list("ordered_at", flat=True), default=None)
    return Waiting(sum(has_failed for _id, has_failed in waiting), _seconds_since(oldest))


@dataclass(frozen=True)
class DeadGroup:
    """The dead events of one error: how many, and the id of the first of their orders."""

    last_error: str
    count: int
    first_order_id: int


def dead_by_error(events: "QuerySet[OrderEvent]", *, max_count: int) -> list[DeadGroup]:
    """The dead ones of `events` by their last error, most first; it reads and counts `max_count` at most."""
    dead = events.filter(state=OrderEvent.State.DEAD).order_by()
    orders = defaultdict(list)
    for error, order_id in dead.values_list("last_error", "order_id")[:max_count]:
        orders[error].append(order_id)
    groups = [DeadGroup(error, len(ids), min(ids)) for error, ids in orders.items()]
    return sorted(groups, key=lambda group: (-group.count, group.last_error))


def oldest_pending_seconds() -> float:
    """The age of the oldest event that waits; it reads all that wait, and their orders."""
    pending = OrderEvent.objects.filter(state=OrderEvent.State.PENDING)
    return _seconds_since(pending.aggregate(oldest=Min("order__ordered_at"))["oldest"])


def _seconds_since(timestamp: datetime | None) -> float:
    return max(0.0, (database_now() - timestamp).total_seconds()) if timestamp else 0.0


def events_to_redeliver(
    *,
    ids: Iterable[UUID] | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> OrderEventQuerySet:
    """The events that match everything given; `since` is included, `until` is not."""
    given = {
        "pk__in": ids,
        "state": state,
        "order__ordered_at__gte": since,
        "order__ordered_at__lt": until,
    }
    return OrderEvent.objects.filter(**{name: value for name, value in given.items() if value})
