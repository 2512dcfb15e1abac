"""A picture of a run: answers, waiting events and faults over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from tests.chaos.report import Report
from tests.kit.journal import DONE, REFUSED, UNKNOWN

LANES = ("web", "postgres", "redis", "worker", "beat", "platform")
MANNERS = {
    "killed or crashed": "#c0392b",
    "restarted": "#2980b9",
    "frozen": "#8e44ad",
    "flushed": "#16a085",
    "failing, hanging or resetting": "#e67e22",
    "unplugged, partitioned or switched": "#d4ac0d",
}
MENDING = "#d5d8dc"
OUTCOMES = {DONE: "#7dcea0", REFUSED: "#f7dc6f", UNKNOWN: "#e74c3c"}
LEAST_SECONDS_SHOWN = 0.004  # of the whole run, so that what lasts no time is seen


def draw(report: Report, file: Path) -> None:
    """Three panels over one axis of time."""
    figure, (answers, waiting, broken) = plt.subplots(
        3, 1, figsize=(15, 9), sharex=True, height_ratios=(3, 1.5, 2.2), layout="constrained"
    )
    figure.suptitle(f"{report.seconds:g} s of chaos, seed {report.seed}: {report.verdict}", fontsize=14)
    _draw_answers(answers, report.every_second)
    _draw_backlog(waiting, report.backlog)
    _draw_faults(broken, report)
    broken.set_xlim(0, report.lasted)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _draw_answers(axes: Axes, every_second: Sequence[dict[str, int]]) -> None:
    seconds = [number + 0.5 for number in range(len(every_second))]
    stacks = [[each[outcome] for each in every_second] for outcome in OUTCOMES]
    labels = ("done", "refused", "unknown, or 503")
    axes.stackplot(seconds, *stacks, labels=labels, colors=list(OUTCOMES.values()), step="mid")
    axes.set_ylabel("requests a second")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.13), ncols=3, frameon=False)


def _draw_backlog(axes: Axes, backlog: Sequence[tuple[float, int]]) -> None:
    times, counts = [at for at, _ in backlog], [count for _, count in backlog]
    axes.fill_between(times, counts, color="#85929e", step="post")
    axes.set_ylabel("events to deliver")
    axes.set_ylim(bottom=0)


def _draw_faults(axes: Axes, report: Report) -> None:
    for fault in report.faults:
        for lane in lanes_of(fault["kind"]):
            _draw_fault(axes, lane, fault, LEAST_SECONDS_SHOWN * report.seconds)
    axes.set_yticks(range(len(LANES)), LANES)
    axes.set_ylim(len(LANES) - 0.5, -0.5)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds; a bar is hatched where one process of several was killed")
    colors = {**MANNERS, "starting again": MENDING}
    legend = [Patch(color=color, label=manner) for manner, color in colors.items()]
    axes.legend(handles=legend, loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=4, frameon=False)


def _draw_fault(axes: Axes, lane: int, fault: dict[str, Any], least: float) -> None:
    began, mending, ended = fault["began"], fault["mending"], fault["ended"]
    hatch = "////" if fault["kind"].startswith("one ") else ""
    axes.barh(lane, ended - mending, left=mending, height=0.6, color=MENDING)
    look = {"height": 0.6, "color": color_of(fault["kind"]), "hatch": hatch}
    axes.barh(lane, max(mending - began, least), left=began, **look)


def lanes_of(kind: str) -> list[int]:
    """The lines on which a kind of fault is drawn."""
    return [number for number, lane in enumerate(LANES) if lane in kind or "everything" in kind]


def color_of(kind: str) -> str:
    """The colour of a fault, by the last word of its kind."""
    return next(color for manner, color in MANNERS.items() if kind.rsplit(" ", 1)[1] in manner)
