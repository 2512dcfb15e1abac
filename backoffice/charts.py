"""Bars drawn on the server, hour by hour: no script, and the same figures in words beside them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from django.utils.formats import date_format
from django.utils.timezone import localtime

from backoffice.formatting import timestamp

HEIGHT = 1000
# Percent: further right, a day's name would not fit from its tick on, and stands at the right end.
FITS_UNTIL = 88


class Hour(Protocol):
    """What happened in an hour."""

    @property
    def starts_at(self) -> datetime:
        """When it begins."""


H = TypeVar("H", bound=Hour)


def chart(hours: Sequence[H], *, value: Callable[[H], int], shown: Callable[[int], str]) -> dict[str, Any]:
    """What dashboard/chart.html draws: the hours, one at least, by a value that is shown in these words."""
    peak = max(hours, key=value)
    bars, days = [], []
    for at, hour in enumerate(hours):
        # An hour with anything in it is seen, however small beside the largest.
        height = max(value(hour) * HEIGHT // value(peak), HEIGHT // 100) if value(hour) else 0
        text = f"{timestamp(hour.starts_at)} · {shown(value(hour))}"
        bars.append({"at": at, "top": HEIGHT - height, "height": height, "text": text})
        starts_at = localtime(hour.starts_at)
        if starts_at.hour == 0:
            percent = at * 100 // len(hours)
            name = date_format(starts_at, "MONTH_DAY_FORMAT")
            days.append({"at": percent, "name": name, "fits": percent < FITS_UNTIL})
    return {
        "bars": bars,
        "days": days,
        "total": shown(sum(map(value, hours))),
        "most": shown(value(peak)),
        "peak": timestamp(peak.starts_at),
    }
