"""Demo data as it stands after so many days: orders of evenings and weekends, campaigns in every state."""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from django.conf import settings
from django.utils import timezone

from backoffice.refusals.models import Refusal
from core.db.transactions import atomic_with_retries
from core.problems import NotRegistered, Problem
from coupons.models import TERMS, Coupon, IssuedCoupon, status_of
from coupons.problems import CouponSoldOut
from local.demo import begin
from orders.models import Order, OrderEvent, OrderItem
from orders.outbox.delivery import MAX_ATTEMPTS
from points.models import PointAccount, PointTransaction
from points.problems import InsufficientPoints
from products.factories import ProductFactory
from products.models import Product
from products.problems import OutOfStock, Shortage
from users.factories import UserFactory
from users.models import User

MAX_DAYS = 90
USERS, PRODUCTS = 200, 12
ORDERS_A_DAY = 40
CHARGE = 50_000
# Of the orders of each hour in Seoul, relative to the others: lunch, and above all the evening.
HOURS = (1, 0, 0, 0, 0, 1, 2, 4, 6, 5, 5, 7, 12, 9, 6, 6, 7, 9, 12, 15, 17, 14, 9, 4)
WEEKEND = 1.6
# What is left of a product: some run out.
LEFT = (0, 3, 8, 120, 240, 60, 5, 90, 300, 45, 150, 30)
# The error of the dead events.
AWAY = "ConnectionRefusedError: [Errno 111] Connection refused"
DEAD = 5
RUSH = 184
# How often somebody takes a coupon of an open campaign, and uses one they hold.
COUPONS_AN_ORDER, COUPONS_USED = 0.2, 0.5


@dataclass
class _History:
    """The history so far, written into the tables at once."""

    rng: random.Random
    users: list[User]
    products: list[Product]
    coupons: list[Coupon]
    balances: dict[int, int] = field(default_factory=dict)
    held: dict[int, list[IssuedCoupon]] = field(default_factory=dict)
    issued: list[IssuedCoupon] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    lines: list[OrderItem] = field(default_factory=list)
    ledger: list[PointTransaction] = field(default_factory=list)

    def issue(self, coupon: Coupon, user: User, at: datetime) -> None:
        coupon.issued += 1
        terms = {name: getattr(coupon, name) for name in TERMS}
        expires_at = at + timedelta(days=settings.COUPON_VALID_DAYS)
        issued = IssuedCoupon(
            coupon=coupon, user=user, sequence=coupon.issued, issued_at=at, expires_at=expires_at, **terms
        )
        self.issued.append(issued)
        self.held.setdefault(user.pk, []).append(issued)

    def order(self, user: User, at: datetime) -> None:
        chosen = self.rng.choices(self.products, range(len(self.products), 0, -1), k=self.rng.randint(1, 3))
        lines = [
            OrderItem(product=each, product_name=each.name, unit_price=each.price, quantity=count)
            for each in dict.fromkeys(chosen)
            if (count := self.rng.randint(1, 2))
        ]
        subtotal = sum(line.amount for line in lines)
        coupon = self._usable_coupon(user, at)
        discount = coupon.discount_on(subtotal=subtotal) if coupon else 0
        total = subtotal - discount
        if self.balances.get(user.pk, 0) < total:
            self._record(user, total // CHARGE * CHARGE + CHARGE, at - timedelta(minutes=3))
        order = Order(user=user, subtotal=subtotal, discount=discount, total=total, ordered_at=at)
        order.issued_coupon = coupon
        if coupon:
            coupon.used_at = at
        if total:
            self._record(user, -total, at, order)
        order.balance_after = self.balances[user.pk]
        for line in lines:
            line.order = order
            line.product.units_sold += line.quantity
        self.orders.append(order)
        self.lines += lines

    def _usable_coupon(self, user: User, at: datetime) -> IssuedCoupon | None:
        usable = [each for each in self.held.get(user.pk, []) if status_of(each, now=at) == "usable"]
        return usable[0] if usable and self.rng.random() < COUPONS_USED else None

    def _record(self, user: User, amount: int, at: datetime, order: Order | None = None) -> None:
        balance = self.balances[user.pk] = self.balances.get(user.pk, 0) + amount
        kind = PointTransaction.Type.PAYMENT if order else PointTransaction.Type.CHARGE
        entry = PointTransaction(user=user, type=kind, amount=amount, balance_after=balance, created_at=at)
        entry.order = order
        self.ledger.append(entry)


def seed(*, days: int) -> dict[str, int]:
    """Fill an empty shop with the history of the last `days`, today included; how many rows each table got.

    Raises NotEmpty. The rows are as the services would have left them, which `manage.py audit` checks.
    """
    rng = begin()
    now = timezone.now()
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=days - 1)
    # Written without the services, whose times are the database's.
    history = _History(
        rng,
        users=UserFactory.build_batch(USERS, created_at=since),
        products=ProductFactory.build_batch(PRODUCTS, created_at=since),
        coupons=_campaigns(since, now, days),
    )
    return _write(history, since, now)


def _campaigns(since: datetime, now: datetime, days: int) -> list[Coupon]:
    day = timedelta(days=1)
    percent = {"discount_type": Coupon.Type.PERCENT, "discount_value": 10, "max_discount": 3_000}
    half = {"discount_type": Coupon.Type.PERCENT, "discount_value": 50}
    fixed = {"discount_type": Coupon.Type.FIXED, "discount_value": 1_000}
    campaigns: list[tuple[str, int, dict[str, Any], datetime | None, datetime | None]] = [
        ("지난달 감사 10%", 100, percent, since, since + days * day / 3),
        ("선착순 20명 반값", 20, half, since + days * day / 2, now + 7 * day),
        ("전 메뉴 10% 할인", 100, percent, now - 5 * day, now + 9 * day),
        ("오픈 기념 1,000원 할인", 300, fixed, None, None),
        ("주말 저녁 반값", 50, half, now + 2 * day, now + 9 * day),
    ]
    return [
        Coupon(name=name, quantity=quantity, opens_at=opens_at, closes_at=closes_at, **terms)
        for name, quantity, terms, opens_at, closes_at in campaigns
    ]


def _moments(rng: random.Random, since: datetime, now: datetime) -> Iterator[datetime]:
    minute, total = timedelta(minutes=1), sum(HOURS)
    hours = int((now - since) / timedelta(hours=1)) + 1
    for hour in (since + timedelta(hours=n) for n in range(hours)):
        share = HOURS[hour.hour] / total * (WEEKEND if hour.weekday() >= 5 else 1)  # noqa: PLR2004 - Saturday
        count = int(ORDERS_A_DAY * share + rng.random())
        for at in sorted(hour + rng.random() * 60 * minute for _ in range(count)):
            if at < now - 4 * minute:
                yield at


@atomic_with_retries
def _write(history: _History, since: datetime, now: datetime) -> dict[str, int]:
    rng = history.rng
    User.objects.bulk_create(history.users)
    Product.objects.bulk_create(history.products)
    Coupon.objects.bulk_create(history.coupons)
    takers = {coupon.pk: rng.sample(history.users, USERS) for coupon in history.coupons}
    # The first members ask for more than the others do.
    weights = [*accumulate(1 / (place + 10) for place in range(USERS))]
    for at in _moments(rng, since, now):
        for coupon in history.coupons:
            is_wanted = coupon.state_at(at) == "running" and takers[coupon.pk]
            if is_wanted and rng.random() < COUPONS_AN_ORDER:
                history.issue(coupon, takers[coupon.pk].pop(), at)
        history.order(history.users[bisect(weights, rng.random() * weights[-1])], at)
    for product, left in zip(history.products, LEFT, strict=True):
        product.stock = left
    Product.objects.bulk_update(history.products, ["stock", "units_sold"])
    Coupon.objects.bulk_update(history.coupons, ["issued"])
    IssuedCoupon.objects.bulk_create(history.issued)
    Order.objects.bulk_create(history.orders)
    OrderItem.objects.bulk_create(history.lines)
    PointTransaction.objects.bulk_create(history.ledger)
    PointAccount.objects.bulk_create(
        PointAccount(user_id=user_id, balance=balance) for user_id, balance in history.balances.items()
    )
    OrderEvent.objects.bulk_create(_events(history))
    Refusal.objects.bulk_create(_refusals(history, now))
    rows: dict[str, list[Any]] = {"users": history.users, "products": history.products}
    rows |= {"coupons": history.coupons, "orders": history.orders}
    return {name: len(each) for name, each in rows.items()}


def _events(history: _History) -> list[OrderEvent]:
    # Those of an evening at which the platform was away for too long; the worker sends the others.
    lost = len(history.orders) * 4 // 5
    return [
        OrderEvent(order=order, state=OrderEvent.State.DEAD, attempts=MAX_ATTEMPTS, last_error=AWAY)
        if lost <= place < lost + DEAD
        else OrderEvent(order=order)
        for place, order in enumerate(history.orders)
    ]


def _refusals(history: _History, now: datetime) -> list[Refusal]:
    sold_out = Shortage(product_id=history.products[0].pk, requested=1, available=LEFT[0])
    orders, small = "POST /api/v1/orders", history.coupons[1]
    refused: list[tuple[str, int | None, Problem, int]] = []
    for place, user in enumerate(history.users[:DEAD]):
        few = InsufficientPoints(required=CHARGE + 1_000 * place, balance=history.balances.get(user.pk, 0))
        refused += [(orders, user.pk, OutOfStock(shortages=[sold_out]), 1), (orders, user.pk, few, 1)]
    refused.append((f"POST /api/v1/coupons/{small.pk}/issue", None, CouponSoldOut(), RUSH))
    refused.append(("GET /api/v1/points", USERS * 1_000, NotRegistered(), 1))
    return [
        Refusal(
            refused_at=now - timedelta(hours=5 * place + 1),
            user_id=user_id,
            request=request,
            status=problem.status,
            code=problem.code,
            extension_members=problem.extension_members,
            request_id=f"demo-{place + 1}",
            times=times,
        )
        for place, (request, user_id, problem, times) in enumerate(refused)
    ]
