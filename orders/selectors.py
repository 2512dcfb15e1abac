"""Reading orders."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Min, Q, Sum

from api.idempotency import Claim
from api.transactions import database_now
from orders.models import Order, OrderEvent, OrderEventQuerySet, OrderItem, OrderQuerySet


@dataclass(frozen=True)
class Sales:
    """Units sold, and their amount in won."""

    units: int = 0
    amount: int = 0

    def __add__(self, other: "Sales") -> "Sales":
        return Sales(self.units + other.units, self.amount + other.amount)

    def __sub__(self, other: "Sales") -> "Sales":
        return Sales(self.units - other.units, self.amount - other.amount)


def orders_of(*, user_id: int) -> OrderQuerySet:
    """The user's orders with their line items."""
    return Order.objects.filter(user_id=user_id).with_lines()


def order_made_with(*, user_id: int, claim: Claim) -> Order | None:
    """The order that this key of this user made, if one did. Raises IdempotencyKeyReused."""
    made = orders_of(user_id=user_id).filter(idempotency_key=claim.key).first()
    if made:
        claim.check(first_hash=made.request_hash)
    return made


def sales_between(*, after: datetime, until: datetime) -> dict[int, Sales]:
    """What each product sold in paid orders with `after < ordered_at <= until`, by product id."""
    sold = OrderItem.objects.filter(
        order__status=Order.Status.PAID, order__ordered_at__gt=after, order__ordered_at__lte=until
    )
    sums = sold.values_list("product_id").annotate(
        units=Sum("quantity"), won=Sum(F("quantity") * F("unit_price"))
    )
    return {product_id: Sales(int(units), int(won)) for product_id, units, won in sums}


@dataclass(frozen=True)
class Backlog:
    """The events that are not with the platform: how many, and the age of the oldest in seconds."""

    pending: int
    dead: int
    oldest_seconds: float


def backlog() -> Backlog:
    """What the outbox still owes the platform; reads only the rows that are not delivered."""
    pending, dead = Q(state=OrderEvent.State.PENDING), Q(state=OrderEvent.State.DEAD)
    owed = OrderEvent.objects.filter(pending | dead).aggregate(
        pending=Count("pk", filter=pending),
        dead=Count("pk", filter=dead),
        oldest=Min("order__ordered_at", filter=pending),
    )
    age = (database_now() - owed["oldest"]).total_seconds() if owed["oldest"] else 0.0
    return Backlog(owed["pending"], owed["dead"], age)


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
