"""python -m benchmarks.rankings FOLDER --lines 1000000: how long the best sellers take, beside a plain count.

FOLDER is for servers of its own, which get a history with so many order lines in the 72 hours if they have
none. It ends on an evening, when most is sold, and the shop's clock stands at that moment.
"""

import argparse
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from statistics import median, quantiles

import psutil
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from rich.progress import Progress

from benchmarks import servers
from benchmarks.history import History, fill
from tests.kit.clock import MADE, REMOVED, by_that_clock, set_clock
from tests.kit.database import broken, execute

EVENING = datetime.fromisoformat("2026-11-22T20:12:00+09:00")
DAYS, SPARE_DAYS = 3, 1
LINES_AN_ORDER = 2.92
LINES_IN_THE_WINDOW = """
SELECT count(*) FROM orders_orderitem item JOIN orders_order ON orders_order.id = order_id
WHERE ordered_at > %(to)s - interval '72 hours' AND ordered_at <= %(to)s"""
PLAIN_COUNT = """
SELECT product_id, sum(quantity) AS units, sum(quantity * unit_price)
FROM orders_orderitem item JOIN orders_order ON orders_order.id = order_id
WHERE status = 'paid' AND ordered_at > %(to)s - interval '72 hours' AND ordered_at <= %(to)s
GROUP BY 1 ORDER BY units DESC, 1 LIMIT 5"""
# How long ago the sums were moved up; the beat does it each minute.
LATE = {
    "just moved up": timedelta(0),
    "a minute ago": timedelta(minutes=1),
    "an hour ago": timedelta(hours=1),
    "6 hours ago": timedelta(hours=6),
}


@dataclass(frozen=True)
class Cost:
    """Milliseconds: by the clock, and of the processor in this process and in PostgreSQL's for us."""

    p50: float
    p95: float
    own: float
    postgres: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} ms | {self.p95:.1f} ms | {self.own:.1f} ms | {self.postgres:.1f} ms"


def measure(ask: Callable[[], object], *, times: int) -> Cost:
    """What each of so many calls took, after a few that count for nothing."""
    for _ in range(3):
        ask()
    taken: list[float] = []
    own, postgres = time.process_time(), postgres_seconds()
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    own, postgres = time.process_time() - own, postgres_seconds() - postgres
    return Cost(median(taken), quantiles(taken, n=20)[-1], own / times * 1000, postgres / times * 1000)


def postgres_seconds() -> float:
    """The processor time of the process that serves this connection; its parallel workers are not in it."""
    ((pid,),) = execute("SELECT pg_backend_pid()")
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def make_history(*, lines: int) -> None:
    """Orders at one rhythm, so that as much leaves the window as comes in."""
    orders = round(lines / LINES_AN_ORDER * (DAYS + SPARE_DAYS) / DAYS)
    share = DAYS / (DAYS + SPARE_DAYS)
    with Progress() as progress:
        fill(
            History(orders, max(orders // 20, 1), 1_000, DAYS + SPARE_DAYS, EVENING, recent_share=share),
            progress=progress,
        )


@contextmanager
def moved_up(*, ago: timedelta) -> Iterator[None]:
    """The sums are as a task left them so long ago; the clock stands at the evening."""
    set_clock(EVENING - ago)
    recompute(from_scratch=True)
    set_clock(EVENING)
    yield


def best_sellers(client: Client) -> None:
    """Ask as a customer does."""
    assert client.get("/api/v1/rankings/products").status_code == 200


def lines_of_table(*, times: int) -> Iterator[str]:
    """The rows, the usual case first."""
    client = Client(headers={"host": "localhost"})
    for name, ago in LATE.items():
        with moved_up(ago=ago):
            yield f"| {name} | {measure(lambda: best_sellers(client), times=times)} |"
    with override_settings(RANKING_CACHE_SECONDS=60):
        yield f"| and cached for 60 s | {measure(lambda: best_sellers(client), times=times)} |"
    cache.clear()
    execute("DELETE FROM rankings_saleswindow")
    few = max(times // 20, 2)
    yield f"| never | {measure(lambda: best_sellers(client), times=few)} |"
    yield f"| a plain count in SQL | {measure(count_plainly, times=few)} |"
    anew = measure(lambda: recompute(from_scratch=True), times=few)
    yield f"| `recompute_rankings --from-scratch` | {anew} |"


def count_plainly() -> None:
    """What the shop would ask without a read model."""
    with connection.cursor() as cursor:
        cursor.execute(PLAIN_COUNT, {"to": EVENING})
        cursor.fetchall()


def recompute(*, from_scratch: bool) -> None:
    """As an operator does, with nothing printed."""
    call_command("recompute_rankings", from_scratch=from_scratch, stdout=StringIO())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000, help="in the 72 hours, about")
    parser.add_argument("--times", type=int, default=100)
    options = parser.parse_args()
    servers.ask(options.folder)
    logging.disable()
    if execute("SELECT NOT EXISTS (SELECT FROM orders_order)") == [(True,)]:
        make_history(lines=options.lines)
    with connection.cursor() as cursor:
        cursor.execute(LINES_IN_THE_WINDOW, {"to": EVENING})
        print(f"| {cursor.fetchone()[0]:,} lines; moved up | p50 | p95 | own processor | PostgreSQL's |")
    print("|---|--:|--:|--:|--:|")
    with broken(MADE, REMOVED), by_that_clock(), override_settings(DEBUG=False):
        for line in lines_of_table(times=options.times):
            print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
