"""The figures as tables, as JSON and as a picture."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmarks.deliveries import Delivered, Deliveries
from benchmarks.drawing import save
from benchmarks.runs import QUANTILES, SHARE, Result
from benchmarks.scenarios import READS, SCENARIOS

PARTS = {
    "web": "web",
    "worker": "worker",
    "receiver": "receiver",
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "clients": "clients",
}
GROUPS = (*PARTS, "machine")
LAGS = (*QUANTILES, "max")
SPEED = (
    *("at full speed", "clients", "a second", "floor", "of floor", "of no-op", *QUANTILES),
    *("done", "refused", "unexpected"),
)
COST = (f"at {SHARE:.0%}", "a second", *QUANTILES, "statements", *GROUPS)
BESIDE_NOOP = ("read", "a second", "no-op", "of no-op", "ms of processors", "no-op", "times no-op")
EVENTS = ("events", "a second", "events", "posts", "lost", "drained after", *LAGS, *GROUPS)


def write(results: Sequence[Result], deliveries: Deliveries | None, *, folder: Path) -> None:
    """Print the tables, and leave bench.md, bench.json and bench.svg in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(tables(results, deliveries))
    print(text)
    (folder / "bench.md").write_text(text + "\n")
    figures = {
        "scenarios": [asdict(result) for result in results],
        "deliveries": asdict(deliveries) if deliveries else None,
    }
    (folder / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    save(picture(results), folder / "bench.svg")


def tables(results: Sequence[Result], deliveries: Deliveries | None) -> list[str]:
    """Markdown: what is done a second; what that takes; reads beside no-op; what becomes of events."""
    made = [_table(SPEED, map(_speed, results)), _table(COST, map(_cost, results))] if results else []
    if reads := [result for result in results if SCENARIOS[result.name] in READS]:
        made.append(_table(BESIDE_NOOP, map(_beside_noop, reads)))
    if deliveries:
        runs = {
            "full speed": deliveries.full,
            f"{SHARE:.0%} of it": deliveries.paced,
            "a backlog": deliveries.backlog,
        }
        made.append(_table(EVENTS, (_events(name, run) for name, run in runs.items())))
    return made


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _speed(result: Result) -> list[str]:
    return [
        result.title,
        str(result.clients),
        f"{result.rate:,.0f}",
        f"{result.floor:,.0f}" if result.floor else "",
        f"{result.rate / result.floor:.3f}" if result.floor else "",
        f"{result.rate / result.noop:.2f}",
        *map(_ms, result.quantiles.values()),
        *(f"{number:,}" for number in (result.done, result.refused, sum(result.unexpected.values()))),
    ]


def _cost(result: Result) -> list[str]:
    return [
        result.title,
        f"{result.paced_rate:,.0f}",
        *map(_ms, result.paced_quantiles.values()),
        "" if result.statements is None else f"{result.statements:g}",
        *_processors(result.cpu),
    ]


def _beside_noop(result: Result) -> list[str]:
    return [
        result.title,
        *(f"{result.rate:,.0f}", f"{result.noop:,.0f}", f"{result.rate / result.noop:.2f}"),
        *(f"{result.served_cpu * 1000:.2f}", f"{result.noop_cpu * 1000:.2f}"),
        f"{result.served_cpu / result.noop_cpu:.2f}",
    ]


def _events(name: str, run: Delivered) -> list[str]:
    return [
        name,
        f"{run.rate:,.0f}",
        *(f"{number:,}" for number in (run.events, run.posts, run.lost)),
        f"{run.drained_after:.1f} s",
        *(_ms(run.lag[name]) for name in LAGS),
        *_processors(run.cpu),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _processors(cpu: dict[str, float]) -> list[str]:
    return [f"{cpu[group] * 1000:.2f}" if group in cpu else "" for group in GROUPS]


def picture(results: Sequence[Result]) -> Figure:
    """What each scenario does a second, how long that takes on a calm day, and where processor time goes."""
    figure = Figure(figsize=(12, 1.6 + 0.36 * len(results)), layout="constrained")
    rates, waits, costs = figure.subplots(1, 3, sharey=True, gridspec_kw={"wspace": 0.04})
    names = [result.title for result in results]
    bars = rates.barh(names, [result.rate for result in results], color="#4c72b0")
    rates.bar_label(bars, [f"{result.rate:,.0f}" for result in results], padding=3)
    rates.margins(x=0.15)
    rates.set(title="At full speed", xlabel="answers a second")
    rates.invert_yaxis()
    for name, mark in zip(QUANTILES, "osx", strict=True):
        waits.plot([result.paced_quantiles[name] * 1000 for result in results], names, mark, label=name)
    waits.set(title=f"At {SHARE:.0%} of full speed", xlabel="milliseconds until answered", xscale="log")
    _show_thousands(waits)
    waits.legend()
    _stack(costs, results)
    return figure


def _show_thousands(axes: Axes) -> None:
    """A logarithmic axis from 1 ms to 1 s at least, its marks as people write numbers."""
    low, high = axes.get_xlim()
    axes.set_xlim(min(1, low), max(1000, high))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.grid(axis="x", color="#dddddd")


def _stack(axes: Axes, results: Sequence[Result]) -> None:
    """Processor time by who spent it, side by side."""
    left = [0.0] * len(results)
    for group, label in PARTS.items():
        spent = [result.cpu[group] * 1000 for result in results]
        axes.barh([result.title for result in results], spent, left=left, label=label)
        left = [before + more for before, more in zip(left, spent, strict=True)]
    axes.set(title="Where processor time goes", xlabel="milliseconds of processor time an answer")
    axes.legend()
