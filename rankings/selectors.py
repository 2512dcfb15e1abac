"""The best sellers of a moment: the read model, corrected at both edges of the window."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import BigIntegerField, F, QuerySet, Value

from api.lookups import AnyOf
from api.transactions import database_now, snapshot
from orders.selectors import Sales, sales_between
from products.models import Product
from rankings.models import ProductSales, SalesWindow

HOUR = timedelta(hours=1)
# An order's moment is read when its transaction begins, and it comes in later. One that comes in later than
# this empties the read model, by a trigger.
SETTLING_TIME = timedelta(minutes=1)
# Who holds this lock may have put in orders that nobody else sees yet. Whose transaction cannot be looked
# into (another role's, a prepared one) may have begun at any time.
SETTLED_AT = """
SELECT least(statement_timestamp(), min(coalesce(session.xact_start, 'epoch'))) - make_interval(secs => %s)
FROM pg_locks held LEFT JOIN pg_stat_activity session USING (pid)
WHERE held.relation = 'orders_order'::regclass AND held.mode = 'RowExclusiveLock'
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

# Called with how many parts of how many are done.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BestSeller:
    """A product's place, with what it sold in the window."""

    rank: int
    product_id: int
    sales: Sales


@dataclass(frozen=True)
class Ranking:
    """The best sellers of `from_at < ordered_at <= to_at`, computed at `to_at`."""

    from_at: datetime
    to_at: datetime
    best_sellers: list[BestSeller]


@dataclass(frozen=True)
class Entry:
    """A best seller with the product as it stands now."""

    best_seller: BestSeller
    product: Product


def best_sellers(*, days: int, size: int) -> Ranking:
    """The `size` products with most units in the last `days` × 24 hours, exact to the moment; ties by id."""
    with snapshot():
        now = database_now()
        since = now - timedelta(days=days)
        sums = totals(since=since, until=now, size=size)
    return Ranking(since, now, ranked(sums, size=size))


def ranked(sums: Mapping[int, Sales], *, size: int) -> list[BestSeller]:
    """The `size` products with most units, the lower id first among equals; none that sold nothing."""
    best = sorted(sums.items(), key=lambda total: (-total[1].units, total[0]))[:size]
    return [BestSeller(rank, *total) for rank, total in enumerate(best, start=1) if total[1].units > 0]


def entries(ranking: Ranking) -> list[Entry]:
    """The ranked products with their name, price and stock of this moment."""
    found = Product.objects.in_bulk([best.product_id for best in ranking.best_sellers])
    return [Entry(best, found[best.product_id]) for best in ranking.best_sellers if best.product_id in found]


def totals(*, since: datetime, until: datetime, size: int) -> dict[int, Sales]:
    """Sums by product, complete for every product that could be among the first `size`; needs a snapshot."""
    window = SalesWindow.objects.filter(from_at__lte=since, to_at__gt=since, to_at__lte=until).first()
    if window is None:
        return sales_between(after=since, until=until)
    left = sales_between(after=window.from_at, until=since)
    entered = sales_between(after=window.to_at, until=until)
    change = minus(entered, left)
    return plus(_stored(changed=change.keys(), size=size), change)


def _stored(*, changed: Iterable[int], size: int) -> dict[int, Sales]:
    """The stored sums of the changed products, and of the first `size` others."""
    is_changed = AnyOf(F("product_id"), Value([*changed], ArrayField(BigIntegerField())))
    rest = ProductSales.objects.exclude(is_changed).order_by("-units", "product_id")[:size]
    return as_sums(ProductSales.objects.filter(is_changed).union(rest, all=True))


def recount(*, after: datetime, until: datetime, progress: Progress) -> dict[int, Sales]:
    """As `sales_between`, an hour of orders at a time, so that no statement runs long."""
    hours = [after + n * HOUR for n in range(-((after - until) // HOUR))]
    sums: dict[int, Sales] = {}
    for done, hour in enumerate(hours, start=1):
        sums = plus(sums, sales_between(after=hour, until=min(hour + HOUR, until)))
        progress(done, len(hours))
    return sums


def untold(_done: int, _parts: int) -> None:
    """Progress that nobody wants to hear of."""


def settled_at() -> datetime:
    """Up to when every order is there for all to see; one that comes in still is noticed by a trigger."""
    with connection.cursor() as cursor:
        cursor.execute(SETTLED_AT, [SETTLING_TIME.total_seconds()])
        row: tuple[datetime] = cursor.fetchone()
    return row[0]


def window_age_seconds() -> float | None:
    """How long ago the sales end that the read model has added up; None before the first time."""
    window = SalesWindow.objects.first()
    return (database_now() - window.to_at).total_seconds() if window else None


def as_sums(rows: QuerySet[ProductSales]) -> dict[int, Sales]:
    """Stored rows as sums by product."""
    values = rows.values_list("product_id", "units", "amount")
    return {product_id: Sales(units, int(amount)) for product_id, units, amount in values}


def plus(sums: Mapping[int, Sales], more: Mapping[int, Sales]) -> dict[int, Sales]:
    """Both, product by product."""
    none = Sales()
    return {**sums, **{pk: sums.get(pk, none) + sales for pk, sales in more.items()}}


def minus(sums: Mapping[int, Sales], less: Mapping[int, Sales]) -> dict[int, Sales]:
    """What is left, product by product; it may be less than nothing."""
    none = Sales()
    return {**sums, **{pk: sums.get(pk, none) - sales for pk, sales in less.items()}}
