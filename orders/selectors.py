"""Reading orders."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Min, Sum
from django.db.models.functions import TruncHour

from core.db.exchange import send
from core.db.pages import Page
from core.db.statements import AnyOf
from core.db.transactions import database_now
from core.idempotency import IdempotencyKey
from core.timestamps import SEOUL
from orders import statements
from orders.models import Order, OrderEvent, OrderEventQuerySet, OrderItem
from users.services import read_for_member


@dataclass(frozen=True, slots=True)
class Line:
    """A line item: name and price as they were when it was bought, in won."""

    product_id: int
    product_name: str
    unit_price: int
    quantity: int

    @property
    def amount(self) -> int:
        """What the line costs, in won."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order as its customer sees it, lines in the order they were asked for."""

    id: int
    status: str
    lines: list[Line]
    subtotal: int
    discount: int
    total: int
    issued_coupon_id: int | None
    balance_after: int
    ordered_at: datetime


@dataclass(frozen=True)
class Sales:
    """Units sold, and their amount in won."""

    units: int = 0
    amount: int = 0

    def __add__(self, other: "Sales") -> "Sales":
        return Sales(self.units + other.units, self.amount + other.amount)

    def __sub__(self, other: "Sales") -> "Sales":
        return Sales(self.units - other.units, self.amount - other.amount)


def order_of(*, user_id: int, order_id: int) -> list[PaidOrder]:
    """The user's order of that id, if there is one. Raises NotRegistered."""
    found = statements.one_with_lines(user_id=user_id, order_id=order_id)
    return _orders(read_for_member(found, user_id=user_id))


def orders_of(*, user_id: int, page: Page) -> list[PaidOrder]:
    """A page of the user's orders, newest first. Raises NotRegistered."""
    found = statements.page_with_lines(user_id=user_id, **page.by_timestamp)
    return _orders(read_for_member(found, user_id=user_id))


def order_made_with(*, user_id: int, key: IdempotencyKey) -> PaidOrder | None:
    """The order that this key of this user made, if one did. Raises IdempotencyKeyReused."""
    (found,) = send(statements.made_with(user_id=user_id, key=key.key))
    if not found:
        return None
    key.check(first_hash=found[0][-1])
    (made,) = _orders(found)
    return made


def _orders(found: list[Any]) -> list[PaidOrder]:
    """From a row for each line to the orders, in the same order."""
    return [_order(list(rows)) for _id, rows in groupby(found, itemgetter(0))]


def _order(rows: list[tuple[Any, ...]]) -> PaidOrder:
    """From statements.WITH_LINES: eight columns of the order, as PaidOrder has them, and four of a line."""
    lines = [Line(*row[8:12]) for row in rows if row[8] is not None]
    pk, status, *others = rows[0][:8]
    return PaidOrder(pk, status, lines, *others)


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
class Hour:
    """An hour of Seoul: when it starts, how many orders were paid in it, and the won paid."""

    starts_at: datetime
    orders: int = 0
    paid: int = 0


def sales_by_hour(*, hours: int) -> list[Hour]:
    """The last `hours` hours of the clock in Seoul, oldest first; the last one is still running."""
    now = database_now().astimezone(SEOUL)
    last = now.replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(hours=hours - 1)
    paid = Order.objects.filter(status=Order.Status.PAID, ordered_at__gte=first, ordered_at__lte=now)
    by_hour = paid.annotate(hour=TruncHour("ordered_at", tzinfo=SEOUL)).values_list("hour")
    sums = {
        hour: Hour(hour, count, int(won)) for hour, count, won in by_hour.annotate(Count("pk"), Sum("total"))
    }
    starts = (first + timedelta(hours=passed) for passed in range(hours))
    return [sums.get(hour, Hour(hour)) for hour in starts]


@dataclass(frozen=True)
class OutboxStatus:
    """How many events wait, how many are given up on, and for how many seconds one has been due.

    One that waits for its next attempt is not due.
    """

    pending: int
    dead: int
    overdue_seconds: float


def outbox_status(*, max_count: int | None = None) -> OutboxStatus:
    """What the platform still lacks; with `max_count` as quick to read after days without a platform."""
    pending = OrderEvent.objects.filter(state=OrderEvent.State.PENDING)
    dead = OrderEvent.objects.filter(state=OrderEvent.State.DEAD)
    first_due = pending.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return OutboxStatus(
        pending=pending.values("pk")[:max_count].count(),
        dead=dead.values("pk")[:max_count].count(),
        overdue_seconds=_seconds_since(first_due),
    )


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
    matching = OrderEvent.objects.filter(**{name: value for name, value in given.items() if value})
    # An update takes no join, so the rows are named by their ids.
    return OrderEvent.objects.filter(pk__in=matching.values("pk"))
