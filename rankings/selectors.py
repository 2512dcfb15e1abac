"""The best sellers of now: the read model, corrected at both edges of the window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from core.db.exchange import send_one
from core.db.replica import replayed_at
from core.db.sql import one_row
from core.db.transactions import database_now
from orders.selectors import Sales, sales_between
from products.models import Product
from rankings import sql
from rankings.models import ProductSales, SalesWindow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# An order's timestamp is read just before its transaction begins, and its row comes in later. One that comes
# in later than this empties the read model, by a trigger.
SETTLING_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class BestSeller:
    """A product's place by what it sold in the window, and the product as it stood when it was read."""

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

    On a standby the moment is up to when it has everything.
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
    """As `sales_between`, an hour of orders at a time, so that no statement runs long."""
    sums: dict[int, Sales] = {}
    while after < until:
        hour_later = min(after + HOUR, until)
        sums = plus(sums, sales_between(after=after, until=hour_later))
        after = hour_later
    return sums


def settled_at() -> datetime:
    """Up to when every order is there for all to see; one that comes in still is noticed by a trigger."""
    settled: datetime = one_row(sql.SETTLED_AT, SETTLING_TIME.total_seconds())[0]
    return settled


def window_age_seconds() -> float | None:
    """How long ago the sales end that the read model has added up; None before the first time."""
    window = SalesWindow.objects.first()
    return (database_now() - window.to_at).total_seconds() if window else None


@dataclass(frozen=True)
class Pace:
    """What a product sells a day, by the last `days` before `until`."""

    units_a_day: float
    days: float
    until: datetime
    stock: int

    @property
    def days_of_cover(self) -> float | None:
        """For how many days the stock lasts at this pace; None where nothing is sold."""
        return self.stock / self.units_a_day if self.units_a_day else None


def pace_of(*, product: Product) -> Pace | None:
    """The product's pace by the read model, two rows of it; None while that covers nothing.

    A product that is newer than the window counts from its first day, which is a day at least.
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
