"""Bringing the read model up to the present from the order lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from core.db.transactions import atomic_with_retries, database_now
from orders.selectors import Sales
from rankings import selectors
from rankings.models import ProductSales, SalesWindow
from rankings.selectors import as_sums, plus

ATTEMPTS = 10
ROWS_A_STATEMENT = 1000
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


class HistoryKeepsChanging(Exception):
    """Orders that had been added up were rewritten during every attempt to add them up again."""


@dataclass(frozen=True)
class Rebuilt:
    """The new window, and how many products' sums were added, changed, removed or already right."""

    from_at: datetime
    to_at: datetime
    added: int
    changed: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class WindowChange:
    """From the stored window to the wanted one; `from_scratch` if the stored sums cannot be used for it."""

    stored: SalesWindow
    from_at: datetime
    to_at: datetime
    from_scratch: bool

    def sums(self) -> dict[int, Sales]:
        if self.from_scratch:
            return selectors.recount(after=self.from_at, until=self.to_at)
        entered = selectors.recount(after=self.stored.to_at, until=self.to_at)
        left = selectors.recount(after=self.stored.from_at, until=self.from_at)
        # Of a product it may be less than nothing.
        return plus(entered, {pk: -sales for pk, sales in left.items()})

    def is_current(self, window: SalesWindow) -> bool:
        """Whether neither the history was rewritten nor the stored window moved since the read."""
        moved = (window.from_at, window.to_at) != (self.stored.from_at, self.stored.to_at)
        return window.version == self.stored.version and (self.from_scratch or not moved)


def recompute(*, days: int, from_scratch: bool = False) -> Rebuilt:
    """Move the sums to the last `days` × 24 hours, up to the last moment that no order can enter any more.

    Adds later sales and subtracts those that have left the window, or adds up everything with `from_scratch`
    or if the stored sums cannot be used. Safe beside live orders and beside itself. Raises
    HistoryKeepsChanging, or Busy if a transaction that rewrites history does not end.
    """
    for _attempt in range(ATTEMPTS):
        change = _change_to(days=days, from_scratch=from_scratch)
        if rebuilt := _apply(change=change, sums=change.sums()):
            return rebuilt
    raise HistoryKeepsChanging


def _change_to(*, days: int, from_scratch: bool) -> WindowChange:
    stored = stored_window()
    settled, now = selectors.settled_at(), database_now()
    from_at = now - timedelta(days=days)
    from_scratch = from_scratch or not stored.from_at <= from_at < stored.to_at <= now
    return WindowChange(
        stored, from_at, max(settled, from_at if from_scratch else stored.to_at), from_scratch
    )


def stored_window() -> SalesWindow:
    """The one row, made if missing, with the version of the history that is about to be read."""
    now = database_now()
    SalesWindow.objects.bulk_create([SalesWindow(pk=1, from_at=now, to_at=now)], ignore_conflicts=True)
    return SalesWindow.objects.get()


@atomic_with_retries
def _apply(*, change: WindowChange, sums: Mapping[int, Sales]) -> Rebuilt | None:
    # None where the window has changed meanwhile: all must be read again.
    with connection.cursor() as cursor:
        # A transaction that rewrites history holds the row to its end; a worker does not wait that long.
        cursor.execute(LOCK_TIMEOUT)
    window = SalesWindow.objects.select_for_update(of=("self",), no_key=True).get()
    if not change.is_current(window):
        return None
    SalesWindow.objects.filter(pk=window.pk).update(from_at=change.from_at, to_at=change.to_at)
    stored = as_sums(ProductSales.objects.all())
    totals = plus({} if change.from_scratch else stored, sums)
    sold = {pk: sales for pk, sales in totals.items() if sales.units > 0}
    return Rebuilt(change.from_at, change.to_at, *_replace(stored=stored, sold=sold))


def _replace(*, stored: Mapping[int, Sales], sold: Mapping[int, Sales]) -> tuple[int, int, int, int]:
    gone = stored.keys() - sold.keys()
    wrong = {pk: sales for pk, sales in sold.items() if stored.get(pk) != sales}
    ProductSales.objects.filter(pk__in=gone).delete()
    _write(wrong)
    added = len(wrong.keys() - stored.keys())
    return added, len(wrong) - added, len(gone), len(sold) - len(wrong)


def _write(sums: Mapping[int, Sales]) -> None:
    ProductSales.objects.bulk_create(
        [ProductSales(product_id=pk, units=sales.units, amount=sales.amount) for pk, sales in sums.items()],
        batch_size=ROWS_A_STATEMENT,
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["units", "amount"],
    )
