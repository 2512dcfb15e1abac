"""What checkout writes of its own."""

from datetime import datetime

from api.statements import Insert, JustInserted, statement
from orders.models import Order, OrderEvent, OrderItem


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
