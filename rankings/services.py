"""Rebuilding the read model from the order lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.transactions import database_now, unit_of_work
from orders.selectors import Sales, sales_between
from rankings.models import ProductSales, SalesWindow
from rankings.selectors import as_sums

HOUR = timedelta(hours=1)
# An order's moment is read when its transaction begins, so it can commit into an hour that has ended.
# Web transactions are bounded to a few minutes by their lock and statement timeouts; this is longer.
CLOSING_MARGIN = timedelta(minutes=10)
ATTEMPTS = 5
ROWS_A_STATEMENT = 1000


class HistoryKeepsChanging(Exception):
    """Orders of closed hours were rewritten during every attempt to add them up."""


@dataclass(frozen=True)
class Rebuilt:
    """The window now covered, and how many products' sums were added, changed, removed or right already."""

    from_at: datetime
    to_at: datetime
    added: int
    changed: int
    removed: int
    unchanged: int


def recompute(*, days: int) -> Rebuilt:
    """Rebuild the sums over the last `days` × 24 hours, up to the last hour that can no longer change.

    Safe beside live orders and beside itself. Raises HistoryKeepsChanging.
    """
    for _attempt in range(ATTEMPTS):
        version = _version()
        now = database_now()
        from_at, to_at = _floor(now - timedelta(days=days)), _floor(now - CLOSING_MARGIN)
        totals = _add_up(from_at=from_at, to_at=to_at)
        if rebuilt := _replace(version=version, from_at=from_at, to_at=to_at, totals=totals):
            return rebuilt
    raise HistoryKeepsChanging


def _version() -> int:
    """The version of history that we are about to read; makes the one row if there is none."""
    now = database_now()
    SalesWindow.objects.bulk_create([SalesWindow(pk=1, from_at=now, to_at=now)], ignore_conflicts=True)
    return SalesWindow.objects.values_list("version", flat=True).get()


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _add_up(*, from_at: datetime, to_at: datetime) -> dict[int, Sales]:
    """Sum an hour at a time, so that no statement runs long."""
    totals: dict[int, Sales] = {}
    for hour in _hours(from_at, to_at):
        for product_id, sales in sales_between(after=hour, until=hour + HOUR).items():
            totals[product_id] = totals.get(product_id, Sales()) + sales
    return totals


def _hours(from_at: datetime, to_at: datetime) -> Iterator[datetime]:
    while from_at < to_at:
        yield from_at
        from_at += HOUR


@unit_of_work
def _replace(*, version: int, from_at: datetime, to_at: datetime, totals: dict[int, Sales]) -> Rebuilt | None:
    """Put the sums in place of the stored ones; None where history was rewritten since `version` was read."""
    window = SalesWindow.objects.select_for_update(of=("self",), no_key=True).get()
    if window.version != version:
        return None
    stored = as_sums(ProductSales.objects.all())
    gone = stored.keys() - totals.keys()
    wrong = {pk: sales for pk, sales in totals.items() if stored.get(pk) != sales}
    ProductSales.objects.filter(pk__in=gone).delete()
    _store(wrong)
    SalesWindow.objects.filter(pk=window.pk).update(from_at=from_at, to_at=to_at)
    added = len(wrong.keys() - stored.keys())
    return Rebuilt(from_at, to_at, added, len(wrong) - added, len(gone), len(totals) - len(wrong))


def _store(sums: dict[int, Sales]) -> None:
    ProductSales.objects.bulk_create(
        [ProductSales(product_id=pk, units=sales.units, amount=sales.amount) for pk, sales in sums.items()],
        batch_size=ROWS_A_STATEMENT,
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["units", "amount"],
    )
