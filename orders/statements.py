"""Orders with their lines as their customer sees them, and what checkout writes of its own."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.db.pages import PageShape
from core.db.statements import Insert, JustInserted, statement, variants
from orders.models import Order, OrderEvent, OrderItem

NEWEST_FIRST = ("-ordered_at", "-id")
# A row for each line, with its order; one without a line for an order that has none.
WITH_LINES = (
    "id",
    "status",
    "subtotal",
    "discount",
    "total",
    "issued_coupon_id",
    "balance_after",
    "ordered_at",
    "items__product_id",
    "items__product_name",
    "items__unit_price",
    "items__quantity",
)


@statement
def one_with_lines(*, user_id: int, order_id: int) -> "QuerySet[Order, Any]":
    """The user's order of that id; its lines in the order they were asked for."""
    return Order.objects.filter(user_id=user_id, pk=order_id).order_by("items__pk").values_list(*WITH_LINES)


@variants("shape")
def page_with_lines(
    *, user_id: int, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[Order, Any]":
    """A page of the user's orders; the lines of each in the order they were asked for."""
    page = shape.of(Order.objects.filter(user_id=user_id), NEWEST_FIRST, pk=pk, timestamp=timestamp)
    found = Order.objects.filter(pk__in=page.values("pk"))
    return found.order_by(*shape.ordered(NEWEST_FIRST), "items__pk").values_list(*WITH_LINES)


@statement
def made_with(*, user_id: int, key: str) -> "QuerySet[Order, Any]":
    """The order that claims this key of the user, as above, and then the hash of its request."""
    claimed = Order.objects.filter(user_id=user_id, idempotency_key=key)
    return claimed.order_by("items__pk").values_list(*WITH_LINES, "request_hash")


@statement
def order(  # noqa: PLR0913 - a column each
    *,
    user_id: int,
    subtotal: int,
    discount: int,
    total: int,
    issued_coupon_id: int | None,
    balance_after: int,
    key: str | None,
    request_hash: str | None,
    ordered_at: datetime,
) -> Insert:
    """A paid order, which is also the claim of its key; answers its id."""
    placed = Order(
        user_id=user_id,
        subtotal=subtotal,
        discount=discount,
        total=total,
        issued_coupon_id=issued_coupon_id,
        balance_after=balance_after,
        idempotency_key=key,
        request_hash=request_hash,
        ordered_at=ordered_at,
    )
    return Insert(placed, returning=["id"])


@statement
def line(*, product_id: int, product_name: str, unit_price: int, quantity: int) -> Insert:
    """A line of the order that this transaction has just put in."""
    return Insert(
        OrderItem(
            order_id=JustInserted(OrderItem, "order"),
            product_id=product_id,
            product_name=product_name,
            unit_price=unit_price,
            quantity=quantity,
        )
    )


@statement
def event(*, due_at: datetime, request_id: str, source: str) -> Insert:
    """The event that this order owes the data platform."""
    return Insert(
        OrderEvent(
            order_id=JustInserted(OrderEvent, "order"),
            next_attempt_at=due_at,
            request_id=request_id,
            source=source,
        )
    )
