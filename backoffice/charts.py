"""Bars drawn on the server, hour by hour: no script, and the same figures in words beside them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime

from backoffice.formatting import timestamp

HEIGHT = 1000
# Percent: further right, a day's name would not fit from its tick on, and stands at the right end.
FITS_UNTIL = 88


def chart(hours: Sequence[tuple[datetime, int]], *, shown: Callable[[int], str]) -> dict[str, Any]:
    """What dashboard/chart.html draws: hours, one at least, each with a value that `shown` words."""
    peak_starts_at, most = max(hours, key=itemgetter(1))
    bars, days = [], []
    for at, (hour, value) in enumerate(hours):
        # An hour with anything in it is seen, however small beside the largest.
        height = max(value * HEIGHT // most, HEIGHT // 100) if value else 0
        text = f"{timestamp(hour)} · {shown(value)}"
        bars.append({"at": at, "top": HEIGHT - height, "height": height, "text": text})
        starts_at = localtime(hour)
        if starts_at.hour == 0:
            percent = at * 100 // len(hours)
            name = date_format(starts_at, "MONTH_DAY_FORMAT")
            days.append({"at": percent, "name": name, "fits": percent < FITS_UNTIL})
    return {
        "bars": bars,
        "days": days,
        "total": shown(sum(value for _hour, value in hours)),
        "most": shown(most),
        "peak": timestamp(peak_starts_at),
    }
