"""Sales as tables: the figures of the first page, also as CSV files."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import action_log
from backoffice.spreadsheets.export_admin import EXPORT_LISTS, FILE_EXPORTED
from backoffice.spreadsheets.exports import BYTE_ORDER_MARK
from core.db.replica import read_from_replica
from orders.models import Order
from orders.selectors import SalesTotal
from rankings.hours import DAY, DAYS, SalesOverview, sales_overview

HOURS = 72
PERMISSION = "orders.view_order"


@dataclass(frozen=True)
class Figure:
    """A day or an hour, by its start in Seoul: its sales, and for a day those of DAYS days before."""

    starts_at: datetime
    total: SalesTotal
    before: SalesTotal | None = None

    @property
    def numbers(self) -> list[int | None]:
        # In the order of `headings`.
        numbers: list[int | None] = [self.total.orders, self.total.paid, self.total.average]
        return numbers if self.before is None else [*numbers, self.before.orders, self.before.paid]


def by_day(sales: SalesOverview) -> list[Figure]:
    """The last DAYS days, oldest first; today is compared up to this time of the day."""
    today = sales.now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = {**sales.days, today - DAYS * DAY: sales.total(days=1, ago=DAYS)}
    return [Figure(day, total, days[day - DAYS * DAY]) for day, total in islice(days.items(), DAYS, None)]


def by_hour(sales: SalesOverview) -> list[Figure]:
    # The last hour is still running.
    hours = [Figure(hour, total) for hour, total in sales.hours.items()]
    return hours[-HOURS:]


FIGURES = {"day": by_day, "hour": by_hour}


def headings(by: str) -> list[str]:
    sums = [_("Orders"), _("Sales paid"), _("Average order")]
    before = _("%(days)s days before") % {"days": DAYS}
    if by == "hour":
        return [_("Hour"), *sums]
    return [_("Day"), *sums, *(f"{heading}, {before}" for heading in sums[:2])]


def day_name(day: datetime) -> str:
    return f"{date_format(day, 'MONTH_DAY_FORMAT')} ({date_format(day, 'D')})"


def hour_name(hour: datetime) -> str:
    # In Korean 07시대.
    until = (hour.hour + 1) % 24
    spell = _("%(hour)02d:00–%(until)02d:00") % {"hour": hour.hour, "until": until}
    return f"{date_format(hour, 'MONTH_DAY_FORMAT')} {spell}"


@permission_required([PERMISSION, f"seeding.{EXPORT_LISTS}"], raise_exception=True)
def sales_csv(request: HttpRequest, by: str) -> HttpResponse:
    if by not in FIGURES:
        raise Http404
    # As every export it is logged, so that a link, or a return from the sign-in page, takes nothing along.
    if request.method != "POST":
        return redirect("admin:index")
    figures = FIGURES[by](read_from_replica(sales_overview))
    name = f"sales-by-{by}-{figures[0].starts_at:%F}-{figures[-1].starts_at:%F}.csv"
    staff: Any = request.user
    part = action_log.log_detail(FILE_EXPORTED, file=name, rows=len(figures))
    action_log.log_file(staff_id=staff.pk, model=Order, file=name, parts=[part])
    response = HttpResponse(
        BYTE_ORDER_MARK,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    csv.writer(response).writerows(_lines(by, figures))
    return response


def _lines(by: str, figures: list[Figure]) -> Iterator[list[int | str | None]]:
    yield [*headings(by)]
    for figure in figures:
        yield [f"{figure.starts_at:%F}" if by == "day" else f"{figure.starts_at:%F %H:%M}", *figure.numbers]
