"""Checkout: the one place where products, points and coupons come together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField

import coupons.services
import points.services
import products.services
from core.db.exchange import Bound, send
from core.db.statements import insert
from core.db.transactions import Conflict, in_messages, retried
from core.idempotency import IdempotencyKey, Idempotent, once
from core.problems import NotRegistered
from core.traces import traceparent
from coupons.problems import CouponAlreadyUsed, CouponExpired, CouponNotFound
from orders import selectors
from orders.metrics import ORDERS
from orders.models import Order, OrderEvent, OrderItem
from orders.outbox.wakeup import wake_delivery
from orders.problems import PriceChanged
from orders.selectors import OrderLine, PaidOrder
from points.problems import InsufficientPoints
from products.problems import OutOfStock, ProductNotFound, Shortage

# The refusals of a basket, at checkout and quote.
REFUSALS = (
    ProductNotFound,
    OutOfStock,
    CouponNotFound,
    CouponAlreadyUsed,
    CouponExpired,
    InsufficientPoints,
    PriceChanged,
)

# An order also claims its idempotency key. `just_inserted` fills the foreign key with the id that the order's
# INSERT has just taken from its sequence, so that all of them go out in one message.
insert_order = insert(Order, returning=["id"])
insert_line = insert(OrderItem, just_inserted="order")
insert_event = insert(OrderEvent, just_inserted="order")


@dataclass(frozen=True)
class Basket:
    """What a user wants: units by product id (1–1,000,000 each), perhaps a coupon and a total they saw."""

    user_id: int
    quantities: Mapping[int, int]
    issued_coupon_id: int | None = None
    expected_total: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a basket and the balance after it, in won, as read at `read_at`, the database's time."""

    items: list[OrderLine]
    subtotal: int
    discount: int
    balance: int
    read_at: datetime

    @property
    def total(self) -> int:
        return self.subtotal - self.discount

    @property
    def balance_after(self) -> int:
        return self.balance - self.total


def checkout(
    *, basket: Basket, key: IdempotencyKey | None = None, request_id: str = ""
) -> Idempotent[PaidOrder]:
    """Sell the basket to its user: all of it or nothing, once for a key. The event carries `request_id`.

    Raises NotRegistered, ProductNotFound, CouponNotFound, CouponAlreadyUsed, CouponExpired, OutOfStock,
    PriceChanged, InsufficientPoints, Busy, Unavailable, or IdempotencyKeyReused where the key came with
    another body.
    """
    order = once(
        lambda: _try_checkout(basket=basket, key=key, request_id=request_id),
        key=key,
        made_with=lambda key: selectors.order_made_with(user_id=basket.user_id, key=key),
    )
    if not order.replayed:
        ORDERS.inc()
        wake_delivery()
    return order


def quote(*, basket: Basket) -> Quote:
    """Checkout's decision at this moment, without a lock or a write. Raises what checkout raises."""
    look: list[Bound[Any]] = [
        points.services.member_balance(user_id=basket.user_id),
        products.services.offers(product_ids=[pk for pk in basket.quantities if _fits_an_id(pk)]),
    ]
    if basket.issued_coupon_id is not None and _fits_an_id(basket.issued_coupon_id):
        look.append(coupons.services.held(user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id))
    members, found, *held = send(*look)  # rows of each; of the coupon only where one is named
    if not members:
        raise NotRegistered
    (balance, now), offers = members[0], {offer.id: offer for offer in found}
    if missing := [pk for pk in basket.quantities if pk not in offers]:
        raise ProductNotFound(product_ids=missing)
    items = [
        OrderLine(product_id=pk, product_name=offers[pk].name, unit_price=offers[pk].price, quantity=quantity)
        for pk, quantity in basket.quantities.items()
    ]
    subtotal, discount = sum(item.amount for item in items), 0
    if basket.issued_coupon_id is not None:
        coupon = held[0][0] if held and held[0] else None
        discount = coupons.services.discount_of(coupon, subtotal=subtotal, now=now)
    shortages = [
        Shortage(pk, quantity, offers[pk].stock)
        for pk, quantity in basket.quantities.items()
        if offers[pk].stock < quantity
    ]
    if shortages:
        raise OutOfStock(shortages=shortages)
    quoted = Quote(items, subtotal, discount, balance or 0, now)
    if basket.expected_total is not None and basket.expected_total != quoted.total:
        raise PriceChanged(expected_total=basket.expected_total, total=quoted.total)
    # A subtotal that no order could store is refused as well, whatever the discount.
    if quoted.balance_after < 0 or subtotal > BigIntegerField.MAX_BIGINT:
        raise InsufficientPoints(required=quoted.total, balance=quoted.balance)
    return quoted


def _fits_an_id(number: int) -> bool:
    return 0 < number <= BigIntegerField.MAX_BIGINT


@retried(guards={"product_stock_not_negative"})
def _try_checkout(*, basket: Basket, key: IdempotencyKey | None, request_id: str) -> PaidOrder:
    """Read and decide without a lock; lock the account; write, with the stock last and COMMIT after it.

    Another request may be faster until the account is locked, or take the stock until COMMIT: then all of it
    is done again.
    """
    quoted = quote(basket=basket)
    with in_messages() as messages:
        lock: list[Bound[Any]] = [points.services.locked_balance(user_id=basket.user_id)]
        if basket.issued_coupon_id is not None:
            lock.append(
                coupons.services.redeem(
                    user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id, now=quoted.read_at
                )
            )
        balances, *redeemed = messages.send(*lock)  # rows; then how many coupons changed, where one is named
        # One who never charged has no account; they can buy what costs nothing.
        balance_after = (balances[0] if balances else 0) - quoted.total
        if balance_after < 0 or redeemed == [0]:
            raise Conflict
        (((order_id,),), *_others) = messages.commit(
            *_order(
                basket=basket, quoted=quoted, balance_after=balance_after, key=key, request_id=request_id
            ),
            *_payment(user_id=basket.user_id, total=quoted.total, balance_after=balance_after),
            # By ascending id, so that two baskets never wait for each other in a circle.
            *(
                products.services.take(product_id=pk, quantity=quantity)
                for pk, quantity in sorted(basket.quantities.items())
            ),
        )
    return PaidOrder(
        id=order_id,
        status=Order.Status.PAID,
        items=quoted.items,
        subtotal=quoted.subtotal,
        discount=quoted.discount,
        total=quoted.total,
        issued_coupon_id=basket.issued_coupon_id,
        balance_after=balance_after,
        ordered_at=quoted.read_at,
    )


def _order(
    *, basket: Basket, quoted: Quote, balance_after: int, key: IdempotencyKey | None, request_id: str
) -> Iterator[Bound[Any]]:
    yield insert_order(
        user_id=basket.user_id,
        subtotal=quoted.subtotal,
        discount=quoted.discount,
        total=quoted.total,
        issued_coupon_id=basket.issued_coupon_id,
        balance_after=balance_after,
        idempotency_key=key.key if key else None,
        request_hash=key.request_hash if key else None,
        ordered_at=quoted.read_at,
    )
    for item in quoted.items:
        yield insert_line(**item._asdict())
    yield insert_event(
        next_attempt_at=quoted.read_at,
        request_id=request_id,
        source=settings.EVENT_SOURCE,
        traceparent=traceparent(),
    )


def _payment(*, user_id: int, total: int, balance_after: int) -> Iterator[Bound[Any]]:
    # None is due for an order that costs nothing.
    if total > 0:
        yield points.services.insert_payment(user_id=user_id, amount=-total, balance_after=balance_after)
        yield points.services.move(user_id=user_id, amount=-total)
