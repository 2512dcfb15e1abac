"""Bar charts drawn on the server, with axes, units and a text for each bar, for pointer, touch and keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.utils.translation import gettext as _

HEIGHT = 1000
STEPS = 4
# Percent: further right a label would not fit after its tick, so it is aligned to the right.
FITS_UNTIL = 86
HALF = 50


@dataclass(frozen=True)
class Bar:
    """A period of time, its value, the value it is compared with, and its label on the axis."""

    name: str
    value: int
    before: int | None = None
    tick: str = ""


def chart(
    bars: Sequence[Bar], *, key: str, name: str, note: str, before: str = "", shown: Callable[[int], str]
) -> dict[str, Any]:
    """The context of dashboard/chart.html for at least one bar; `shown` formats a value with its unit.

    `key` is unique on the page; `before` names the values of the comparison, `note` is shown beside the
    chart.
    """
    levels = _levels(max(max(bar.value, bar.before or 0) for bar in bars))
    peak = max(bars, key=lambda bar: bar.value)
    total = shown(sum(bar.value for bar in bars))
    summary = _("%(name)s: %(total)s in all. Peak: %(peak)s, %(most)s.")
    return {
        "key": key,
        "name": name,
        "total": total,
        "note": note,
        "before": before,
        "summary": summary % {"name": name, "total": total, "peak": peak.name, "most": shown(peak.value)},
        "levels": [shown(level) for level in reversed(levels)],
        "lines": [_y(level, levels[-1]) for level in levels],
        "bars": [
            _drawn(at, bar, bars, top=levels[-1], before=before, shown=shown) for at, bar in enumerate(bars)
        ],
        "steps": "".join(
            f"{'M' if at == 0 else 'L'}{at} {_y(bar.before, levels[-1])}h1"
            for at, bar in enumerate(bars)
            if bar.before is not None
        ),
        "ticks": [_tick(at * 100 / len(bars), bar.tick) for at, bar in enumerate(bars) if bar.tick],
    }


def _levels(most: int) -> list[int]:
    # Round numbers: 1, 2 or 5 times a power of ten.
    steps = (digit * 10**noughts for noughts in count() for digit in (1, 2, 5))
    step = next(step for step in steps if step * STEPS >= most)
    return [step * n for n in range(max(-(-most // step), 1) + 1)]


def _y(value: int, top: int) -> int:
    return HEIGHT - value * HEIGHT // top


def _drawn(
    at: int, bar: Bar, bars: Sequence[Bar], *, top: int, before: str, shown: Callable[[int], str]
) -> dict[str, Any]:
    # A bar above 0 stays visible, even beside a much larger one.
    height = max(bar.value * HEIGHT // top, HEIGHT // 100) if bar.value else 0
    text = f"{bar.name}: {shown(bar.value)}"
    if bar.before is not None:
        text = f"{text} · {before}: {shown(bar.before)}"
    left, width = at * 100 / len(bars), 100 / len(bars)
    # The text opens towards the side with more room.
    side, offset = ("left", left) if left < HALF else ("right", 100 - left - width)
    return {
        "at": at,
        "y": HEIGHT - height,
        "height": height,
        "text": text,
        "left": f"{left:.3f}",
        "width": f"{width:.3f}",
        "side": side,
        "offset": f"{offset:.3f}",
    }


def _tick(percent: float, name: str) -> dict[str, Any]:
    return {"at": f"{percent:.3f}", "name": name, "fits": percent < FITS_UNTIL}
