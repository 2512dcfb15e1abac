"""python -m benchmarks.history: years of orders within minutes, as checkout would have left them.

Everything is made by PostgreSQL itself (sql/*.sql), some ten thousand orders a transaction, so that the
memory needed does not grow with the number of orders. The same options make the same rows.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from math import cos, pi
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from benchmarks.servers import ask

SQL = Path(__file__).parent / "sql"
SEOUL = ZoneInfo("Asia/Seoul")
HOUR = timedelta(hours=1)
RECENT_HOURS = 72
BUSIEST_HOUR = 20
ORDERS_A_TRANSACTION = 25_000
TABLES = (
    *("users_user", "products_product", "coupons_coupon", "coupons_issuedcoupon"),
    *("orders_order", "orders_orderitem", "orders_orderevent"),
    *("points_pointaccount", "points_pointtransaction", "rankings_productsales", "rankings_saleswindow"),
    "rankings_hourlysales",
)


class NotEmpty(Exception):
    """The database has rows of its own."""


@dataclass(frozen=True)
class History:
    """What is to be made: `recent_share` of the orders in the last 72 hours, the newest `pending` unsent."""

    orders: int
    users: int
    products: int
    days: int
    until: datetime
    seed: int = 1
    recent_share: float = 0.1
    pending: int = 20

    @property
    def since(self) -> datetime:
        """The moment of the first order."""
        return self.until - timedelta(days=self.days)

    def bounds(self) -> list[int]:
        """How many orders had been placed at the end of each hour, beginning with 0."""
        last = self.days * 24 - RECENT_HOURS
        rhythm = [_busyness(self.since + n * HOUR) for n in range(self.days * 24)]
        old, recent = sum(rhythm[: max(last, 0)]), sum(rhythm[max(last, 0) :])
        share = self.recent_share if old else 1
        shares = [
            busy * (share / recent if n >= last else (1 - share) / old) for n, busy in enumerate(rhythm)
        ]
        return [min(round(part * self.orders), self.orders) for part in accumulate(shares, initial=0)]


def _busyness(moment: datetime) -> float:
    """1 on average; ten times more orders in the evening than before dawn."""
    return 1 + 0.8 * cos((moment.astimezone(SEOUL).hour - BUSIEST_HOUR) * 2 * pi / 24)


def fill(history: History, *, progress: Progress | None = None) -> None:
    """Make it in an empty database, with planner statistics and the ranking. Raises NotEmpty."""
    _require_empty()
    bounds = history.bounds()
    starts = [history.since + n * HOUR for n in range(len(bounds) - 1)]
    values = {
        **asdict(history),
        "since": history.since,
        "coupon_days": settings.COUPON_VALID_DAYS,
        "moments": starts,
        "firsts": [before + 1 for before in bounds[:-1]],
        "counts": [after - before for before, after in pairwise(bounds)],
    }
    _run("start.sql", values)
    _place_orders(bounds, values, progress or Progress(disable=True))
    _run("finish.sql", values)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
    call_command("recompute_rankings")


def _require_empty() -> None:
    with connection.cursor() as cursor:
        for table in TABLES[:7]:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
            if cursor.fetchone() == (True,):
                raise NotEmpty(f"{table} has rows; a history is made in an empty database only")


def _place_orders(bounds: list[int], values: dict[str, object], progress: Progress) -> None:
    made = {"issued": 0, "items": 0, "ledger": 0}
    task = progress.add_task("orders", total=bounds[-1])
    for from_hour, to_hour in _portions(bounds):
        counts = _run("orders.sql", {**values, **made, "from_hour": from_hour, "to_hour": to_hour})
        made = {name: before + more for (name, before), more in zip(made.items(), counts, strict=True)}
        progress.update(task, completed=bounds[to_hour])


def _portions(bounds: list[int]) -> Iterator[tuple[int, int]]:
    """Ranges of hours, counted from 1, with some ORDERS_A_TRANSACTION orders each."""
    first = 1
    for hour, placed in enumerate(bounds):
        if hour and (placed - bounds[first - 1] >= ORDERS_A_TRANSACTION or hour == len(bounds) - 1):
            yield first, hour
            first = hour + 1


@transaction.atomic(durable=True)
def _run(name: str, values: dict[str, object]) -> tuple[int, ...]:
    """Run a file of statements; the row that the last one answers, if it does."""
    with connection.cursor() as cursor:
        # Without triggers, which a superuser may switch off: they look up the foreign keys of each row and
        # empty the ranking's window once for each old order. The rows are right by construction, as
        # `manage.py audit` shows, and the ranking is rebuilt at the end. Other constraints hold as ever.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute((SQL / name).read_text(), values)
        while cursor.nextset():
            pass
        return cursor.fetchone() if cursor.description else ()


def main() -> None:
    """Read the options, set Django up, fill the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, help="a twentieth of the orders")
    parser.add_argument("--products", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--recent-share", type=float, default=0.1, help="of the orders, in the last 72 hours")
    parser.add_argument("--pending", type=int, default=20, help="events not delivered yet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until", type=datetime.fromisoformat, default=datetime.now(SEOUL), help="now")
    parser.add_argument("--server", type=Path, help="an embedded PostgreSQL in this folder, not DATABASE_URL")
    options = vars(parser.parse_args())
    ask(options.pop("server"))
    options["users"] = options["users"] or max(options["orders"] // 20, 1)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        fill(History(**options), progress=progress)


if __name__ == "__main__":
    main()
