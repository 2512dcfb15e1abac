"""The best sellers of a moment: the read model, corrected at both edges of the window."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from api.transactions import database_now, snapshot
from orders.selectors import Sales, sales_between
from products.models import Product
from rankings.models import ProductSales, SalesWindow


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


def ranked(sums: dict[int, Sales], *, size: int) -> list[BestSeller]:
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
    sums = _stored(touched=left.keys() | entered.keys(), size=size)
    for product_id in left.keys() | entered.keys():
        change = entered.get(product_id, Sales()) - left.get(product_id, Sales())
        sums[product_id] = sums.get(product_id, Sales()) + change
    return sums


def _stored(*, touched: set[int], size: int) -> dict[int, Sales]:
    """The stored sums of the touched products, and of enough leaders that `size` untouched ones are there."""
    by_units = ProductSales.objects.order_by("-units", "product_id")
    leaders = by_units[: size + len(touched)]
    return as_sums(chain(leaders, by_units.filter(product_id__in=touched)))


def window_age_seconds() -> float | None:
    """How long ago the hours end that the read model has added up; None before the first rebuild."""
    window = SalesWindow.objects.first()
    return (database_now() - window.to_at).total_seconds() if window else None


def as_sums(rows: Iterable[ProductSales]) -> dict[int, Sales]:
    """Stored rows as sums by product."""
    return {row.product_id: Sales(row.units, int(row.amount)) for row in rows}
