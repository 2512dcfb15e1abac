"""The figures as a table, as JSON and as a picture."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.scenarios import Result

GROUPS = ("web", "worker", "postgres", "redis")
HEAD = ("scenario", "clients", "a second", "floor", "of floor", "of no-op", "p50", "p95", "p99", *GROUPS)


def write(results: Sequence[Result], *, folder: Path) -> None:
    """Print the table, and leave bench.md, bench.json and bench.svg in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = table(results)
    print(text)
    (folder / "bench.md").write_text(text + "\n")
    (folder / "bench.json").write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    picture(results).savefig(folder / "bench.svg")


def table(results: Sequence[Result]) -> str:
    """Markdown: answers a second, latencies in ms, and processor ms per answer by group of processes."""
    rows = [HEAD, ("---",) + ("---:",) * (len(HEAD) - 1), *(_row(result) for result in results)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        str(result.clients),
        f"{result.rate:,.0f}",
        f"{result.floor:,.0f}" if result.floor else "",
        f"{result.rate / result.floor:.3f}" if result.floor else "",
        f"{result.rate / result.noop:.2f}",
        *(f"{seconds * 1000:.0f} ms" for seconds in result.quantiles.values()),
        *(f"{result.cpu[group] * 1000:.2f}" for group in GROUPS),
    )


def picture(results: Sequence[Result]) -> Figure:
    """What each scenario does a second, and where its processor time goes."""
    figure = Figure(figsize=(11, 1.2 + 0.5 * len(results)), layout="constrained")
    rates, costs = figure.subplots(1, 2, sharey=True)
    names = [result.name for result in results]
    bars = rates.barh(names, [result.rate for result in results], color="#4c72b0")
    rates.bar_label(bars, [f"{result.rate:,.0f}" for result in results], padding=3)
    rates.set_title("answers a second")
    rates.invert_yaxis()
    left = [0.0] * len(results)
    for group in GROUPS:
        spent = [result.cpu[group] * 1000 for result in results]
        costs.barh(names, spent, left=left, label=group)
        left = [before + more for before, more in zip(left, spent, strict=True)]
    costs.set_title("processor time per answer, ms")
    costs.legend()
    return figure
