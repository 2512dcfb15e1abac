"""Sales by hour: hours that no order can enter any more are stored, others are added up at each read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet, Subquery

from core.db.transactions import database_now
from core.timestamps import SEOUL
from orders.selectors import SalesTotal, sales_by_hour
from rankings.models import HourlySales, SalesWindow
from rankings.selectors import HOUR, settled_at
from rankings.services import stored_window

DAY = timedelta(days=1)
# Days that the first page shows; it compares them with as many days before.
DAYS = 30
# All that the first page reads, and an hour more.
KEPT = 2 * DAYS * DAY + HOUR
HOURS_A_STATEMENT = 24


@dataclass(frozen=True)
class SalesOverview:
    """Sales as of `now`, in Seoul: of each hour since the start of the day 2 × DAYS - 1 days ago.

    `running` has, for some numbers of days ago, what was paid in that day's hour of `now`, up to this time
    of it.
    """

    now: datetime
    hours: dict[datetime, SalesTotal]
    running: dict[int, SalesTotal]

    @property
    def days(self) -> dict[datetime, SalesTotal]:
        sums: dict[datetime, SalesTotal] = {}
        for hour, total in self.hours.items():
            day = hour.replace(hour=0)
            sums[day] = sums.get(day, SalesTotal()) + total
        return sums

    def total(self, *, days: int, ago: int = 0) -> SalesTotal:
        """Sales of as many days; the last one is that of `ago` days ago, up to this time of it."""
        hour = _start_of_hour(self.now - ago * DAY)
        first = hour.replace(hour=0) - (days - 1) * DAY
        whole = [total for start, total in self.hours.items() if first <= start < hour]
        return sum(whole, start=self.running[ago])


def sales_overview() -> SalesOverview:
    """The sales on the first page, from the stored hours and from the orders of the other hours."""
    now = database_now().astimezone(SEOUL)
    hour = _start_of_hour(now)
    hours = sales_since(hour.replace(hour=0) - (2 * DAYS - 1) * DAY, now=now)
    running = {0: hours[hour]}
    for ago in (1, 7, DAYS):
        part = sales_by_hour(since=hour - ago * DAY, until=now - ago * DAY)
        running[ago] = part.get(hour - ago * DAY, SalesTotal())
    return SalesOverview(now, hours, running)


def sales_since(first: datetime, *, now: datetime) -> dict[datetime, SalesTotal]:
    """Sales of each hour from the one that starts at `first` to the one that is running, oldest first."""
    starts = _hours_between(first, _start_of_hour(now) + HOUR)
    rows = stored().filter(starts_at__gte=first, starts_at__lte=now - HOUR)
    values = rows.values_list("starts_at", "orders", "paid")
    sums = {start: SalesTotal(orders, int(paid)) for start, orders, paid in values}
    missing = next(start for start in starts if start not in sums)
    live = sales_by_hour(since=missing, until=now)
    return {start: live.get(start, SalesTotal()) if start >= missing else sums[start] for start in starts}


def fill_hours(*, from_scratch: bool = False) -> int:
    """Store the hours of KEPT that no order can enter any more, or only the missing ones; returns how many.

    Safe beside live orders, beside itself, and beside rewrites of history, which invalidate earlier reads.
    """
    version = stored_window().version
    settled, now = settled_at(), database_now()
    first, end = _start_of_hour(now - KEPT), _start_of_hour(min(settled, now))
    # Too old, or stored by a clock that was ahead.
    HourlySales.objects.exclude(starts_at__range=(first, now - HOUR)).delete()
    known = set() if from_scratch else {*stored().values_list("starts_at", flat=True)}
    missing = [start for start in _hours_between(first, end) if start not in known]
    for at in range(0, len(missing), HOURS_A_STATEMENT):
        _store(missing[at : at + HOURS_A_STATEMENT], version=version)
    return len(missing)


def recounted(starts: Sequence[datetime]) -> dict[datetime, SalesTotal]:
    found = sales_by_hour(since=starts[0], until=starts[-1] + HOUR - timedelta.resolution)
    return {start: found.get(start, SalesTotal()) for start in starts}


def _store(starts: Sequence[datetime], *, version: int) -> None:
    rows = [
        HourlySales(starts_at=start, orders=total.orders, paid=total.paid, version=version)
        for start, total in recounted(starts).items()
    ]
    HourlySales.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["starts_at"], update_fields=["orders", "paid", "version"]
    )


def stored() -> QuerySet[HourlySales]:
    """The valid stored hours, oldest first."""
    version = Subquery(SalesWindow.objects.values("version"))
    return HourlySales.objects.filter(version=version).order_by("starts_at")


def _start_of_hour(timestamp: datetime) -> datetime:
    return timestamp.replace(minute=0, second=0, microsecond=0)


def _hours_between(first: datetime, end: datetime) -> list[datetime]:
    return [first + n * HOUR for n in range((end - first) // HOUR)]
