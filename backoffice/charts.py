"""Bars drawn on the server, hour by hour: no script, and the same figures in words beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.utils.timezone import localtime

from backoffice.formatting import day, moment

HEIGHT = 1000
# Percent: further right, a day's name would not fit from its tick on.
FITS_UNTIL = 88


class Hour(Protocol):
    """What happened in an hour."""

    @property
    def starts_at(self) -> datetime:
        """When it begins."""


H = TypeVar("H", bound=Hour)


@dataclass(frozen=True)
class Bar:
    """One hour: where it stands, its height of HEIGHT, and what it says."""

    at: int
    height: int
    text: str

    @property
    def top(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True)
class Day:
    """Where a day begins, in percent, and its name."""

    at: int
    name: str

    @property
    def fits(self) -> bool:
        """Whether its name has room from its tick on; else it stands at the right end."""
        return self.at < FITS_UNTIL


@dataclass(frozen=True)
class Chart:
    """Hours as bars, with the sum, the largest of them and when that was, in words."""

    bars: list[Bar]
    days: list[Day]
    total: str
    most: str
    peak: str


def chart(hours: Sequence[H], *, value: Callable[[H], int], shown: Callable[[int], str]) -> Chart:
    """The hours, of which there is one at least, drawn by a value that is shown in these words."""
    peak = max(hours, key=value)
    bars = [
        Bar(at, _height(value(hour), most=value(peak)), f"{moment(hour.starts_at)} · {shown(value(hour))}")
        for at, hour in enumerate(hours)
    ]
    total = sum(value(hour) for hour in hours)
    return Chart(bars, _days(hours), shown(total), shown(value(peak)), moment(peak.starts_at))


def _height(value: int, *, most: int) -> int:
    """An hour with anything in it is seen, however small beside the largest."""
    return max(value * HEIGHT // most, HEIGHT // 100) if value else 0


def _days(hours: Sequence[Hour]) -> list[Day]:
    """The days that begin in one of the hours."""
    midnights = [(at, hour) for at, hour in enumerate(hours) if localtime(hour.starts_at).hour == 0]
    return [Day(at * 100 // len(hours), day(hour.starts_at)) for at, hour in midnights]
