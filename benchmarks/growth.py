"""python -m benchmarks.growth FOLDER: what each operation costs as the orders become more.

Each size gets a history in servers of its own under FOLDER, which stay there, stopped, for the next time.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from benchmarks.drawing import save
from core.embedded.servers import EmbeddedServices

MEASURES = ("clock", "web", "postgres", "wal")
WRITES = ("order of two lines", "event claimed and marked", "charge", "coupon issued")
WITHIN = 0.2
DEPLOYED = {
    "DEBUG": "0",
    "EMBEDDED_SERVICES": "0",
    "SECRET_KEY": secrets.token_hex(32),
    "ALLOWED_HOSTS": "localhost",
    "CSRF_TRUSTED_ORIGINS": "https://localhost",
    "GATEWAY_SECRET": "only for measuring",
}

# Of each operation and size, the medians of the rounds.
Costs = dict[str, dict[int, dict[str, float]]]


def python(*arguments: str, servers: EmbeddedServices) -> str:
    """What Python printed, on those servers, with the settings of a deployed shop. Raises SystemExit."""
    own = {"DATABASE_URL": servers.database_url(), "REDIS_URL": servers.redis_url()}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, env=os.environ | DEPLOYED | own, stdout=subprocess.PIPE, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else sys.exit(f"{command} failed")


def opened(folder: Path, *, orders: int) -> EmbeddedServices:
    """Running servers with so many orders in them, made now if need be, behind a progress bar."""
    folder.mkdir(parents=True, exist_ok=True)
    servers, made = EmbeddedServices(folder), folder / "made"
    servers.ensure_running()
    if not made.exists():
        command = ["-m", "benchmarks.history", "--orders", str(orders), "--server", str(folder)]
        subprocess.run([sys.executable, *command], check=True)
        made.touch()
    python("manage.py", "migrate", servers=servers)
    return servers


def measured(sizes: dict[int, EmbeddedServices], *, rounds: int) -> Costs:
    """The sizes in turn, so that a busy minute of the machine's falls on all of them."""
    seen: dict[str, dict[int, list[dict[str, float]]]] = {}
    for _ in range(rounds):
        for orders, servers in sizes.items():
            for name, cost in json.loads(python("-m", "benchmarks.operations", servers=servers)).items():
                seen.setdefault(name, {}).setdefault(orders, []).append(cost)
    return {
        name: {
            orders: {measure: median(cost[measure] for cost in costs) for measure in MEASURES}
            for orders, costs in by_size.items()
        }
        for name, by_size in seen.items()
    }


def processor(cost: dict[str, float]) -> float:
    """Milliseconds, the web process's and the database's."""
    return cost["web"] + cost["postgres"]


def table(costs: Costs) -> str:
    """Markdown: milliseconds by the clock, of the processor and of PostgreSQL's share, and kB of WAL."""
    sizes = list(next(iter(costs.values())))
    head = ["ms: clock / processor / PostgreSQL's", *(f"{size:,}" for size in sizes), "change", "WAL"]
    rows = [head, ["---", *("--:" for _ in head[1:])], *(_row(name, by) for name, by in costs.items())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(name: str, by_size: dict[int, dict[str, float]]) -> list[str]:
    first, last = by_size[min(by_size)], by_size[max(by_size)]
    cells = [
        f"{cost['clock']:.2f} / {processor(cost):.2f} / {cost['postgres']:.2f}" for cost in by_size.values()
    ]
    change = f"{processor(last) / processor(first) - 1:+.0%}"
    wal = f"{first['wal']:.1f} → {last['wal']:.1f} kB" if name in WRITES else ""
    return [name, *cells, change.replace("-", "−"), wal]


def picture(costs: Costs) -> Figure:
    """Processor time of each operation beside that at the smallest size; the band is ± 20 %."""
    figure = Figure(figsize=(9, 1.6 + 0.26 * len(costs)), layout="constrained")
    axes = figure.subplots()
    smallest, *sizes = next(iter(costs.values()))
    axes.axvspan(1 - WITHIN, 1 + WITHIN, color="#eeeeee", zorder=0)
    axes.axvline(1, color="#999999", linewidth=1, zorder=1)
    for size, mark in zip(sizes, "osD^v", strict=False):
        shares = [processor(by_size[size]) / processor(by_size[smallest]) for by_size in costs.values()]
        axes.plot(shares, list(costs), mark, markersize=5, label=f"{size:,} orders")
    axes.set(xlim=(0, 1.5), xlabel=f"processor time an operation ÷ that at {smallest:,} orders")
    axes.invert_yaxis()
    axes.legend(loc="lower left")
    return figure


def write(costs: Costs, *, folder: Path) -> None:
    """Print the table, and leave growth.md, growth.json and growth.svg in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    print(table(costs))
    (folder / "growth.md").write_text(table(costs) + "\n")
    (folder / "growth.json").write_text(json.dumps(costs, indent=2) + "\n")
    save(picture(costs), folder / "growth.svg")


def main(arguments: Sequence[str] | None = None) -> None:
    """Open every size, measure them in turn, write the report, stop the servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", type=Path, default=Path(".local/growth"), help="folder to write to")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        sizes = {}
        for orders in options.orders:
            sizes[orders] = opened(options.folder / str(orders), orders=orders)
            stack.callback(sizes[orders].stop)
        write(measured(sizes, rounds=options.rounds), folder=options.report)


if __name__ == "__main__":
    main()
