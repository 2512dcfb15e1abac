"""The best sellers of now: the read model, corrected at both edges of the window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from core.db.exchange import send
from core.db.transactions import database_now
from orders.selectors import Sales, sales_between
from products.selectors import ProductSnapshot
from rankings import sql
from rankings.models import ProductSales, SalesWindow

HOUR = timedelta(hours=1)
# An order's timestamp is read just before its transaction begins, and its row comes in later. One that comes
# in later than this empties the read model, by a trigger.
SETTLING_TIME = timedelta(minutes=1)

# Called with how many parts of how many are done.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class BestSeller:
    """A product's place, with what it sold in the window."""

    rank: int
    product_id: int
    sales: Sales


@dataclass(frozen=True)
class Entry:
    """A best seller with the product as it stood when it was read."""

    best_seller: BestSeller
    product: ProductSnapshot


@dataclass(frozen=True)
class Ranking:
    """The best sellers of `from_at < ordered_at <= to_at`, computed at `to_at`, and their products."""

    from_at: datetime
    to_at: datetime
    best_sellers: list[BestSeller]
    offers: Mapping[int, ProductSnapshot]

    @property
    def entries(self) -> list[Entry]:
        """The best sellers whose products are still there."""
        offers = self.offers
        return [
            Entry(each, offers[each.product_id]) for each in self.best_sellers if each.product_id in offers
        ]


def best_sellers(*, days: int, size: int) -> Ranking:
    """The `size` products with most units in the last `days` × 24 hours, exact to the moment; ties by id."""
    (rows,) = send(sql.best_sellers(window=timedelta(days=days), size=size))
    since, until, *_first = rows[0]
    found = [row[2:] for row in rows if row[2] is not None]
    best = [
        BestSeller(rank, pk, Sales(int(units), int(amount)))
        for rank, (pk, units, amount, *_product) in enumerate(found, start=1)
    ]
    offers = {
        pk: ProductSnapshot(pk, name, price, stock, until)
        for pk, _units, _amount, name, price, stock in found
    }
    return Ranking(since, until, best, offers)


def ranked(sums: Mapping[int, Sales], *, size: int) -> list[BestSeller]:
    """The `size` products with most units, the lower id first among equals; none that sold nothing."""
    best = sorted(sums.items(), key=lambda total: (-total[1].units, total[0]))[:size]
    return [BestSeller(rank, *total) for rank, total in enumerate(best, start=1) if total[1].units > 0]


def recount(*, after: datetime, until: datetime, progress: OnProgress) -> dict[int, Sales]:
    """As `sales_between`, an hour of orders at a time, so that no statement runs long."""
    hours = [after + n * HOUR for n in range(-((after - until) // HOUR))]
    sums: dict[int, Sales] = {}
    for done, hour in enumerate(hours, start=1):
        sums = plus(sums, sales_between(after=hour, until=min(hour + HOUR, until)))
        progress(done, len(hours))
    return sums


def no_progress(_done: int, _parts: int) -> None:
    """Report nothing."""


def settled_at() -> datetime:
    """Up to when every order is there for all to see; one that comes in still is noticed by a trigger."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SETTLED_AT, [SETTLING_TIME.total_seconds()])
        row: tuple[datetime] = cursor.fetchone()
    return row[0]


def window_age_seconds() -> float | None:
    """How long ago the sales end that the read model has added up; None before the first time."""
    window = SalesWindow.objects.first()
    return (database_now() - window.to_at).total_seconds() if window else None


def as_sums(rows: QuerySet[ProductSales]) -> dict[int, Sales]:
    values = rows.values_list("product_id", "units", "amount")
    return {product_id: Sales(units, int(amount)) for product_id, units, amount in values}


def plus(sums: Mapping[int, Sales], more: Mapping[int, Sales]) -> dict[int, Sales]:
    none = Sales()
    return {**sums, **{pk: sums.get(pk, none) + sales for pk, sales in more.items()}}


def minus(sums: Mapping[int, Sales], less: Mapping[int, Sales]) -> dict[int, Sales]:
    """What is left, product by product; it may be less than nothing."""
    none = Sales()
    return {**sums, **{pk: sums.get(pk, none) - sales for pk, sales in less.items()}}
