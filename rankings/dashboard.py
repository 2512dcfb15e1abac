"""Sales and the best sellers on the admin's first page."""

from typing import Any

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.charts import Bar, chart
from backoffice.dashboard import Panel
from backoffice.formatting import NOTHING, number, won
from orders.selectors import SalesTotal
from rankings import figures
from rankings.figures import HOURS, Figure, day_name, hour_name
from rankings.hours import DAY, DAYS, SalesOverview, sales_overview
from rankings.selectors import best_sellers

WEEK = 7


def _sales() -> dict[str, Any]:
    sales = sales_overview()
    return {
        "rows": any(total.orders for total in sales.hours.values()),
        "compared": _compared(sales),
        "parts": [_days(sales), _hours(sales)],
    }


def _compared(sales: SalesOverview) -> list[dict[str, Any]]:
    whole = [*sales.days.values()]
    now, yesterday = sales.now, sales.now - DAY
    today, last_week = whole[-1], _("%(weekday)s a week before")
    week_before = last_week % {"weekday": date_format(yesterday, "l")}
    week_ago = last_week % {"weekday": date_format(now, "l")}
    by_now = _("%(day)s, until %(time)s") % {"day": day_name(now), "time": f"{now:%H:%M}"}
    than, than_by_now = _("Against %(period)s"), _("Against %(period)s, same time")
    return [
        _row(_("Today"), by_now, today),
        _change(than_by_now % {"period": _("yesterday")}, today, sales.total(days=1, ago=1)),
        _change(than_by_now % {"period": week_ago}, today, sales.total(days=1, ago=WEEK)),
        _row(_("Yesterday"), day_name(yesterday), whole[-2]),
        _change(than % {"period": week_before}, whole[-2], whole[-2 - WEEK]),
        _row(week_before, day_name(yesterday - WEEK * DAY), whole[-2 - WEEK]),
        _row(week_ago, day_name(now - WEEK * DAY), whole[-1 - WEEK]),
    ]


def _row(name: str, detail: str, total: SalesTotal) -> dict[str, Any]:
    return {"name": name, "detail": detail, "cells": _worded([total.orders, total.paid, total.average])}


def _change(name: str, new: SalesTotal, old: SalesTotal) -> dict[str, Any]:
    pairs = (new.orders, old.orders), (new.paid, old.paid), (new.average, old.average)
    return {"name": name, "cells": [_percent(*pair) for pair in pairs], "is_change": True}


def _percent(new: int | None, old: int | None) -> str:
    if new is None or not old:
        return NOTHING
    percent = round((new - old) * 100 / old)
    return f"{percent:+,}%".replace("-", "−") if percent else "0%"


def _days(sales: SalesOverview) -> dict[str, Any]:
    rows = figures.by_day(sales)
    # The axis is marked every other week, counted back from today.
    ticks = {row.starts_at for row in rows[:: -2 * WEEK]}
    bars = [
        (
            row,
            day_name(row.starts_at),
            date_format(row.starts_at, "MONTH_DAY_FORMAT") if row.starts_at in ticks else "",
        )
        for row in rows
    ]
    before = _("%(days)s days before") % {"days": DAYS}
    new, old = sales.total(days=DAYS), sales.total(days=DAYS, ago=DAYS)
    than = _("Against the %(days)s days before") % {"days": DAYS}
    notes = [f"{than} {_percent(*pair)}" for pair in ((new.paid, old.paid), (new.orders, old.orders))]
    return {
        "by": "day",
        "title": _("By day, last %(days)s days") % {"days": DAYS},
        "charts": _charts("day", bars, notes, before=before),
        "table": _table("day", _("The figures, day by day"), [(name, row) for row, name, _tick in bars]),
        "download": _("Download by day (CSV)"),
    }


def _hours(sales: SalesOverview) -> dict[str, Any]:
    bars = [
        (
            row,
            hour_name(row.starts_at),
            date_format(row.starts_at, "MONTH_DAY_FORMAT") if row.starts_at.hour == 0 else "",
        )
        for row in figures.by_hour(sales)
    ]
    peaks = [max(bars, key=lambda bar: bar[0].total.paid), max(bars, key=lambda bar: bar[0].total.orders)]
    notes = [
        _("Peak: %(hour)s, %(most)s") % {"hour": peaks[0][1], "most": won(peaks[0][0].total.paid)},
        _("Peak: %(hour)s, %(most)s") % {"hour": peaks[1][1], "most": _orders(peaks[1][0].total.orders)},
    ]
    return {
        "by": "hour",
        "title": _("By hour, last %(hours)s hours") % {"hours": HOURS},
        "charts": _charts("hour", bars, notes),
        "table": _table("hour", _("The figures, hour by hour"), [(name, row) for row, name, _tick in bars]),
        "download": _("Download by hour (CSV)"),
    }


def _charts(
    by: str, bars: list[tuple[Figure, str, str]], notes: list[str], *, before: str = ""
) -> list[dict[str, Any]]:
    paid, orders = [], []
    for row, name, tick in bars:
        old = row.before
        paid.append(Bar(name, row.total.paid, old.paid if old else None, tick))
        orders.append(Bar(name, row.total.orders, old.orders if old else None, tick))
    return [
        chart(paid, key=f"paid-{by}", name=_("Sales paid"), note=notes[0], before=before, shown=won),
        chart(orders, key=f"orders-{by}", name=_("Orders"), note=notes[1], before=before, shown=_orders),
    ]


def _table(by: str, title: str, rows: list[tuple[str, Figure]]) -> dict[str, Any]:
    worded = [(name, _worded(row.numbers)) for name, row in reversed(rows)]
    return {"title": title, "headings": figures.headings(by), "rows": worded}


def _worded(numbers: list[int | None]) -> list[str]:
    shown = (number, won, won, number, won)
    return [show(each) for show, each in zip(shown, numbers, strict=False)]


def _orders(count: int) -> str:
    return ngettext("%(count)s order", "%(count)s orders", count) % {"count": number(count)}


def _best_sellers() -> dict[str, Any]:
    ranking = best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    return {"rows": ranking.best_sellers, "hours": settings.RANKING_DAYS * 24}


PANELS = [
    Panel("sales", 10, figures.PERMISSION, "rankings/dashboard/sales.html", _sales),
    Panel("best_sellers", 20, "products.view_product", "rankings/dashboard/best_sellers.html", _best_sellers),
]
