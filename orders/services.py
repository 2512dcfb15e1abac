"""Checkout: the one place where products, points and coupons come together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField

import coupons.services
import points.services
import points.statements
import products.selectors
import products.services
from core.db.exchange import send
from core.db.statements import Bound
from core.db.transactions import Conflict, in_messages, retried
from core.idempotency import IdempotencyKey, Idempotent, run_idempotently
from core.request_id import request_id
from coupons.models import IssuedCoupon
from coupons.problems import CouponAlreadyUsed, CouponExpired, CouponNotFound
from orders import selectors, statements
from orders.metrics import ORDERS
from orders.models import Order
from orders.outbox.wakeup import wake_delivery
from orders.problems import PriceChanged
from orders.selectors import Line, PaidOrder
from points.problems import InsufficientPoints
from products.problems import OutOfStock, ProductNotFound
from products.selectors import ProductSnapshot
from users.services import require_member

# What a basket can be refused for, bought or quoted.
REFUSALS = (
    ProductNotFound,
    OutOfStock,
    CouponNotFound,
    CouponAlreadyUsed,
    CouponExpired,
    InsufficientPoints,
    PriceChanged,
)
# What refuses an order that could be paid and filled when it was looked at.
GUARDS = frozenset({products.services.GUARD, points.services.GUARD})


@dataclass(frozen=True)
class Basket:
    """What a user wants: units by product id (1–1,000,000 each), perhaps a coupon and a total they saw."""

    user_id: int
    quantities: Mapping[int, int]
    issued_coupon_id: int | None = None
    expected_total: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look, which locks nothing, found of a basket: the only prices that its order can take."""

    offers: Mapping[int, ProductSnapshot]
    coupon: IssuedCoupon | None
    balance: int

    @property
    def now(self) -> datetime:
        return next(iter(self.offers.values())).read_at


@dataclass(frozen=True, slots=True)
class PricedBasket:
    """What a basket costs, in won, by one look."""

    items: list[Line]
    subtotal: int
    discount: int

    @property
    def total(self) -> int:
        return self.subtotal - self.discount


@dataclass(frozen=True)
class Quote:
    """What checkout would take, and leave, at this moment."""

    basket: PricedBasket
    balance: int

    @property
    def balance_after(self) -> int:
        return self.balance - self.basket.total


def checkout(*, basket: Basket, key: IdempotencyKey | None = None) -> Idempotent[PaidOrder]:
    """Sell the basket to its user: all of it or nothing, once for a key.

    Raises NotRegistered, ProductNotFound, CouponNotFound, CouponAlreadyUsed, CouponExpired, OutOfStock,
    PriceChanged, InsufficientPoints, Busy, or IdempotencyKeyReused where the key came with another body.
    """
    outcome = run_idempotently(
        key=key,
        create=lambda: _checkout_once(basket=basket, key=key),
        find_existing=lambda used: selectors.order_made_with(user_id=basket.user_id, key=used),
    )
    if not outcome.replayed:
        ORDERS.inc()
        wake_delivery()
    return outcome


def quote(*, basket: Basket) -> Quote:
    """What checkout would answer at this moment; nothing is written. Raises what checkout raises."""
    look = _look(basket=basket)
    return Quote(_price_basket(basket=basket, look=look), look.balance)


@retried(guards=GUARDS)
def _checkout_once(*, basket: Basket, key: IdempotencyKey | None) -> PaidOrder:
    """Look and decide without a lock; lock the account; write, with the stock last and COMMIT behind it.

    Another transaction may be faster until then: a guard of stock or balance refuses, and all of it is done
    again.
    """
    look = _look(basket=basket)
    priced = _price_basket(basket=basket, look=look)
    with in_messages() as messages:
        balances, *redeemed = messages.send(
            points.statements.locked_balance(user_id=basket.user_id),
            *coupons.services.redeemed(
                user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id, now=look.now
            ),
        )
        balance_after = sum(balances) - priced.total
        if balance_after < 0 or not all(redeemed):
            raise Conflict
        order = PaidOrder(
            id=0,
            status=Order.Status.PAID,
            lines=priced.items,
            subtotal=priced.subtotal,
            discount=priced.discount,
            total=priced.total,
            issued_coupon_id=basket.issued_coupon_id,
            balance_after=balance_after,
            ordered_at=look.now,
        )
        ((made,), *_others) = messages.commit(
            *_placed(order, user_id=basket.user_id, key=key),
            *points.services.paid(user_id=basket.user_id, total=priced.total, balance_after=balance_after),
            *products.services.taken(quantities=basket.quantities),
        )
    return replace(order, id=made[0])


def _placed(order: PaidOrder, *, user_id: int, key: IdempotencyKey | None) -> list[Bound[Any]]:
    """Statements that put in the order, which answers its id, its lines and the event it owes."""
    placed = statements.order(
        user_id=user_id,
        subtotal=order.subtotal,
        discount=order.discount,
        total=order.total,
        issued_coupon_id=order.issued_coupon_id,
        balance_after=order.balance_after,
        key=key.key if key else None,
        request_hash=key.request_hash if key else None,
        ordered_at=order.ordered_at,
    )
    lines = [
        statements.line(
            product_id=line.product_id,
            product_name=line.product_name,
            unit_price=line.unit_price,
            quantity=line.quantity,
        )
        for line in order.lines
    ]
    event = statements.event(due_at=order.ordered_at, request_id=request_id(), source=settings.EVENT_SOURCE)
    return [placed, *lines, event]


def _look(*, basket: Basket) -> Look:
    """Ask in one message for all that is decided on. Raises NotRegistered, ProductNotFound."""
    account = points.statements.balance_of_member(user_id=basket.user_id)
    asked = products.selectors.offers_of(product_ids=basket.quantities)
    held = coupons.services.held(user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id)
    accounts, found, *coupons_held = send(account, asked, *held)
    require_member(accounts)
    offers = products.selectors.offers(found)
    products.services.require_products(offers=offers, product_ids=basket.quantities)
    coupon = coupons_held[0][0] if coupons_held and coupons_held[0] else None
    return Look(offers, coupon, accounts[0] or 0)


def _price_basket(*, basket: Basket, look: Look) -> PricedBasket:
    """Decide in the contract's order. Raises what checkout raises of coupon, stock, price and points."""
    items = [
        Line(pk, look.offers[pk].name, look.offers[pk].price, quantity)
        for pk, quantity in basket.quantities.items()
    ]
    subtotal = sum(item.amount for item in items)
    discount = 0
    if basket.issued_coupon_id is not None:
        discount = coupons.services.discount_of(look.coupon, subtotal=subtotal, now=look.now)
    products.services.require_stock(offers=look.offers, quantities=basket.quantities)
    priced = PricedBasket(items, subtotal, discount)
    if basket.expected_total is not None and basket.expected_total != priced.total:
        raise PriceChanged(expected_total=basket.expected_total, total=priced.total)
    # A subtotal that no order could store is refused as well, whatever the discount.
    if subtotal > BigIntegerField.MAX_BIGINT:
        raise InsufficientPoints(required=priced.total, balance=look.balance)
    points.services.require_balance(balance=look.balance, total=priced.total)
    return priced
