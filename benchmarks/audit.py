"""python -m benchmarks.audit FOLDER: how long `manage.py audit` takes, and the memory of its process.

Each size gets a history in servers of its own under FOLDER, which stay there, stopped, for the next time.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import psycopg

from core.embedded.servers import EmbeddedServices

TAKEN = (Path(__file__).parent / "sql" / "taken.sql").read_bytes()
TABLES = ("orders_order", "orders_orderitem", "points_pointtransaction")


@dataclass(frozen=True)
class Cost:
    """What one run took: time by the clock and of the processors, PostgreSQL's too, and memory of its own."""

    seconds: float
    processor: float
    megabytes: float


def run(*arguments: str | Path, servers: EmbeddedServices) -> Cost:
    """Run Python on those servers. Raises SystemExit where it fails."""
    own = {"DEBUG": "1", "DATABASE_URL": servers.database_url(), "REDIS_URL": servers.redis_url()}
    start, used = time.perf_counter(), backends(servers)
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ | own, stdout=subprocess.DEVNULL)
    # Unlike getrusage, this tells the peak of this one child.
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{process.args} failed")
    seconds = time.perf_counter() - start
    time.sleep(1)  # until the postmaster has buried the backend, whose time counts only then
    processor = usage.ru_utime + usage.ru_stime + backends(servers) - used
    return Cost(seconds, processor, usage.ru_maxrss / 1024)


def backends(servers: EmbeddedServices) -> float:
    """The processor time, in seconds, of the connections that have ended."""
    pid = int((servers.data / "postmaster.pid").read_text().split()[0])
    times = psutil.Process(pid).cpu_times()
    return times.children_user + times.children_system


def measure(*arguments: str | Path, servers: EmbeddedServices, times: int) -> Cost:
    """The median times and the highest peak of several runs."""
    costs = [run(*arguments, servers=servers) for _ in range(times)]
    return Cost(
        median(cost.seconds for cost in costs),
        median(cost.processor for cost in costs),
        max(cost.megabytes for cost in costs),
    )


def write_taken(servers: EmbeddedServices, file: Path) -> None:
    """The file of a platform that took every delivered event."""
    with (
        psycopg.connect(servers.database_url()) as connection,
        connection.cursor().copy(TAKEN) as blocks,
        file.open("wb") as output,
    ):
        output.writelines(blocks)


def rows(servers: EmbeddedServices) -> list[int]:
    """How many rows the large tables have."""
    with psycopg.connect(servers.database_url()) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {table}".encode()) for table in TABLES]
        return [count.fetchone()[0] for count in counts]


def line(folder: Path, *, orders: int, times: int) -> str:
    """One size's line of the table."""
    folder, made = folder / str(orders), (folder / str(orders)).exists()
    folder.mkdir(parents=True, exist_ok=True)
    servers = EmbeddedServices(folder)
    servers.ensure_running()
    if not made:
        run("-m", "benchmarks.history", "--orders", str(orders), "--server", folder, servers=servers)
    taken = folder / "taken.jsonl"
    write_taken(servers, taken)
    alone = measure("manage.py", "audit", servers=servers, times=times)
    with_events = measure("manage.py", "audit", "--events", taken, servers=servers, times=times)
    taken.unlink()
    figures = [f"{count:,}" for count in rows(servers)]
    servers.stop()
    for cost in (alone, with_events):
        figures += [f"{cost.seconds:.1f} s", f"{cost.processor:.1f} s", f"{cost.megabytes:.0f} MB"]
    return f"| {' | '.join(figures)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orders", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print("| orders | lines | ledger | audit | processor | memory | with --events | processor | memory |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for orders in options.orders:
        print(line(options.folder, orders=orders, times=options.times), flush=True)


if __name__ == "__main__":
    main()
