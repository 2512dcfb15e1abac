"""Checkout: the one place where products, points and coupons come together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import BigIntegerField

import coupons.services
import points.selectors
import points.services
import products.selectors
import products.services
from api.idempotency import Claim, Outcome, once
from api.tracing import request_id
from api.transactions import last_round_trip, unit_of_work
from coupons.problems import CouponAlreadyUsed, CouponExpired, CouponNotFound
from orders import selectors
from orders.metrics import ORDERS
from orders.models import Order, OrderItem
from orders.problems import PriceChanged
from orders.wakeup import wake_delivery
from points.problems import InsufficientPoints
from products.problems import OutOfStock, ProductNotFound
from products.selectors import Offer

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


@dataclass(frozen=True)
class Basket:
    """What a user wants: units by product id (1–1,000,000 each), perhaps a coupon and a total they saw."""

    user_id: int
    quantities: Mapping[int, int]
    issued_coupon_id: int | None = None
    expected_total: int | None = None


@dataclass(frozen=True)
class Price:
    """What a basket costs, in won, at the moment its offers were read."""

    offers: Mapping[int, Offer]
    items: list[OrderItem]
    discount: int
    now: datetime

    @property
    def subtotal(self) -> int:
        """All lines together."""
        return sum(item.amount for item in self.items)

    @property
    def total(self) -> int:
        """What is to be paid."""
        return self.subtotal - self.discount


@dataclass(frozen=True)
class Quote:
    """What checkout would take, and leave, at this moment."""

    price: Price
    balance: int

    @property
    def balance_after(self) -> int:
        """What checkout would leave."""
        return self.balance - self.price.total


def checkout(*, basket: Basket, claim: Claim | None = None) -> Outcome[Order]:
    """Sell the basket to its user: all of it or nothing, once for a claimed key.

    Raises ProductNotFound, CouponNotFound, CouponAlreadyUsed, CouponExpired, OutOfStock, PriceChanged,
    InsufficientPoints, Busy, or IdempotencyKeyReused where the key came with another body before.
    """
    return once(
        claim=claim,
        work=lambda: _place(basket=basket, claim=claim),
        find=lambda made: selectors.order_made_with(user_id=basket.user_id, claim=made),
    )


def quote(*, basket: Basket) -> Quote:
    """What checkout would answer at this moment; nothing is written. Raises what checkout raises."""
    price = _price(basket=basket)
    balance = points.selectors.balance_of(user_id=basket.user_id)
    _require_payable(price=price, balance=balance)
    return Quote(price, balance)


@unit_of_work
def _place(*, basket: Basket, claim: Claim | None) -> Order:
    """Decide without locks, then write; the rows that others want most come last."""
    price = _price(basket=basket)
    if basket.issued_coupon_id is not None:
        coupons.services.redeem(
            user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id, now=price.now
        )
    balance_after = _pay(basket=basket, price=price)
    order = _order(basket=basket, price=price, balance_after=balance_after, claim=claim)
    Order.objects.place(order, request_id=request_id())
    transaction.on_commit(ORDERS.inc, robust=True)
    transaction.on_commit(wake_delivery, robust=True)
    with last_round_trip(guards={products.services.GUARD}):
        points.services.record_payment(
            user_id=basket.user_id, order_id=order.pk, total=price.total, balance_after=balance_after
        )
        products.services.take_stock(offers=price.offers, quantities=basket.quantities)
    return order


def _price(*, basket: Basket) -> Price:
    """Read what the basket names and decide in the contract's order."""
    offers = products.selectors.offers(product_ids=basket.quantities)
    products.services.require_products(offers=offers, product_ids=basket.quantities)
    now = next(iter(offers.values())).seen_at
    items = [_item(offer=offers[pk], quantity=quantity) for pk, quantity in basket.quantities.items()]
    discount = _discount(basket=basket, subtotal=sum(item.amount for item in items), now=now)
    products.services.require_stock(offers=offers, quantities=basket.quantities)
    price = Price(offers, items, discount, now)
    if basket.expected_total is not None and basket.expected_total != price.total:
        raise PriceChanged(expected_total=basket.expected_total, total=price.total)
    return price


def _item(*, offer: Offer, quantity: int) -> OrderItem:
    return OrderItem(
        product_id=offer.product_id, product_name=offer.name, unit_price=offer.price, quantity=quantity
    )


def _discount(*, basket: Basket, subtotal: int, now: datetime) -> int:
    if basket.issued_coupon_id is None:
        return 0
    return coupons.services.discount_for(
        user_id=basket.user_id, issued_coupon_id=basket.issued_coupon_id, subtotal=subtotal, now=now
    )


def _pay(*, basket: Basket, price: Price) -> int:
    """Take the total off the balance; the balance left."""
    if price.subtotal > BigIntegerField.MAX_BIGINT:
        _require_payable(price=price, balance=points.selectors.balance_of(user_id=basket.user_id))
    return points.services.spend(user_id=basket.user_id, total=price.total)


def _require_payable(*, price: Price, balance: int) -> None:
    """Raise InsufficientPoints; also for a subtotal that no order could store, whatever the discount."""
    if price.subtotal > BigIntegerField.MAX_BIGINT:
        raise InsufficientPoints(required=price.total, balance=balance)
    points.services.require_balance(balance=balance, total=price.total)


def _order(*, basket: Basket, price: Price, balance_after: int, claim: Claim | None) -> Order:
    """The order as it is to be written, with its lines."""
    order = Order(
        user_id=basket.user_id,
        subtotal=price.subtotal,
        discount=price.discount,
        total=price.total,
        issued_coupon_id=basket.issued_coupon_id,
        balance_after=balance_after,
        idempotency_key=claim.key if claim else None,
        request_hash=claim.request_hash if claim else None,
        ordered_at=price.now,
    )
    order.lines = price.items
    return order
