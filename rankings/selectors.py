"""Current best sellers: the read model, corrected at both edges of the window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from core.db.exchange import send_one
from core.db.replica import replayed_at
from core.db.sql import one_row
from core.db.transactions import database_now
from orders.selectors import Sales, first_order_between, sales_between
from products.models import Product
from rankings import sql
from rankings.models import ProductSales, SalesWindow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# An order's timestamp is read just before its transaction begins, and its row is inserted later. If that
# takes longer than this, a trigger empties the read model.
SETTLING_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class BestSeller:
    """A product's rank by its sales in the window, and the product when it was read."""

    rank: int
    product_id: int
    units: int
    amount: int
    name: str
    price: int
    stock: int


@dataclass(frozen=True)
class Ranking:
    """The best sellers of `from_at < ordered_at <= to_at`, computed at `to_at`."""

    from_at: datetime
    to_at: datetime
    best_sellers: list[BestSeller]


def best_sellers(*, days: int, size: int) -> Ranking:
    """The `size` products with most units in the last `days` × 24 hours, exact to the moment; ties by id.

    On a standby, the moment is the time up to which it has replayed everything.
    """
    rows = send_one(sql.best_sellers(window=timedelta(days=days), size=size, until=replayed_at()))
    since, until, *_first = rows[0]
    best = [
        BestSeller(rank, pk, int(units), int(amount), name, price, stock)
        for rank, (_since, _until, pk, units, amount, name, price, stock) in enumerate(rows, start=1)
        if pk is not None
    ]
    return Ranking(since, until, best)


def recount(*, after: datetime, until: datetime) -> dict[int, Sales]:
    """As `sales_between`, an hour with orders at a time, so that no statement runs long."""
    sums: dict[int, Sales] = {}
    while first := first_order_between(after=after, until=until):
        hour_later = min(first + HOUR, until)
        sums = plus(sums, sales_between(after=after, until=hour_later))
        after = hour_later
    return sums


def settled_at() -> datetime:
    """The time up to which every order is visible; a trigger notices an order that is inserted later."""
    settled: datetime = one_row(sql.SETTLED_AT, SETTLING_TIME.total_seconds())[0]
    return settled


def window_age_seconds() -> float | None:
    """The age of the newest sales in the read model, in seconds; None before the first rebuild."""
    window = SalesWindow.objects.first()
    return (database_now() - window.to_at).total_seconds() if window else None


@dataclass(frozen=True)
class Pace:
    """A product's sales a day over the last `days` before `until`."""

    units_a_day: float
    days: float
    until: datetime
    stock: int

    @property
    def days_of_cover(self) -> float | None:
        return self.stock / self.units_a_day if self.units_a_day else None


def pace_of(*, product: Product) -> Pace | None:
    """The product's pace, from two rows of the read model; None while that is empty.

    A product newer than the window counts from its first day, at least one day.
    """
    window = SalesWindow.objects.filter(to_at__gt=F("from_at")).first()
    if window is None:
        return None
    since = max(window.from_at, min(product.created_at, window.to_at - DAY))
    days = (window.to_at - since) / DAY
    sales = ProductSales.objects.filter(product=product).first()
    return Pace((sales.units if sales else 0) / days, days, window.to_at, product.stock)


def as_sums(rows: QuerySet[ProductSales]) -> dict[int, Sales]:
    values = rows.values_list("product_id", "units", "amount")
    return {product_id: Sales(units, int(amount)) for product_id, units, amount in values}


def plus(sums: Mapping[int, Sales], more: Mapping[int, Sales]) -> dict[int, Sales]:
    none = Sales()
    return {**sums, **{pk: sums.get(pk, none) + sales for pk, sales in more.items()}}
