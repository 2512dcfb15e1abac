"""python -m benchmarks.bloat: what minutes of sales leave behind in the tables whose rows change.

A whole shop of its own takes orders (a quarter of them for one product), charges and coupon issues at a
bounded rate, and delivers the events. Halfway somebody reads for a minute in one snapshot, as a backup does:
nothing that dies meanwhile can be cleared away. Counted is what does not depend on how busy the machine is.
"""

import argparse
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import django
import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from benchmarks.stand import Stand, stand  # noqa: E402
from tests.kit.invariants import wrongs  # noqa: E402
from tests.kit.processes import open_folder  # noqa: E402

TABLES = (
    *("products_product", "points_pointaccount", "coupons_coupon", "coupons_issuedcoupon"),
    "orders_orderevent",
)
# Of the rate asked for.
SHARES = {"orders": 0.6, "orders-hot": 0.2, "charges": 0.15, "issues": 0.05}
CLIENTS = 4
SNAPSHOT_SECONDS = 60
PARAMETERS = (
    "fillfactor",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "vacuum_index_cleanup",
)
HEAD = ("table", "inserts", "updates", "HOT", "moved", "dead", "kB", "indexes kB", "vacuums")
COUNTS = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_newpage_upd, n_dead_tup,
       pg_relation_size(relid) / 1024, pg_indexes_size(relid) / 1024, autovacuum_count
FROM pg_stat_user_tables WHERE relname = ANY(%s) ORDER BY relname"""


def execute(sql: str, *values: object) -> list[Any]:
    """The rows that a statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def pack(options: Mapping[str, str], *, plain: bool) -> None:
    """Write the tables anew with these storage parameters, and forget what was counted."""
    for table in TABLES:
        if plain:
            execute(f"ALTER TABLE {table} RESET ({', '.join(PARAMETERS)})")
        if table in options:
            execute(f"ALTER TABLE {table} SET ({options[table]})")
        execute(f"VACUUM (FULL, ANALYZE) {table}")
    execute("SELECT pg_stat_reset()")


def sell(here: Stand, *, seconds: float, rate: float) -> dict[str, int]:
    """Let clients of every kind loose; how often each was answered what."""
    given = {"issues": {"coupon": here.campaign(), "first_user": 1}}

    def send(scenario: str) -> dict[str, int]:
        options = given.get(scenario, {})
        part = rate * SHARES[scenario]
        return here.load(scenario, clients=CLIENTS, seconds=seconds, rate=part, **options).outcomes

    with ThreadPoolExecutor(len(SHARES)) as pool:
        answered = dict(zip(SHARES, pool.map(send, SHARES), strict=True))
    return {f"{name} {outcome}": count for name, each in answered.items() for outcome, count in each.items()}


def read_in_one_snapshot(here: Stand, *, after: float, seconds: float) -> threading.Thread:
    """A transaction that begins later and sees nothing that happens after that."""

    def read() -> None:
        time.sleep(after)
        with closing(psycopg.connect(here.servers.embedded.database_url())) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM products_product")
            time.sleep(seconds)

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def counted() -> list[str]:
    """The Markdown rows of the tables."""
    execute("SELECT pg_stat_clear_snapshot()")
    return [_line(*row) for row in execute(COUNTS, list(TABLES))]


def _line(table: str, inserts: int, updates: int, hot: int, elsewhere: int, *others: int) -> str:
    shares = [f"{share / updates:.0%}" if updates else "" for share in (hot, elsewhere)]
    cells = [table, f"{inserts:,}", f"{updates:,}", *shares, *(f"{other:,}" for other in others)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run, and print the counts before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=125, help="requests a second, four fifths orders")
    parser.add_argument("--plain", action="store_true", help="without the migrations' storage parameters")
    parser.add_argument("--with", nargs="*", default=[], metavar="TABLE:PARAMETERS", dest="given")
    options = parser.parse_args()
    seconds = options.minutes * 60
    with open_folder("bloat") as folder, stand(folder) as here:
        pack(dict(each.split(":", 1) for each in options.given), plain=options.plain)
        print("\n".join(["before", *counted()]), flush=True)
        pause = min(SNAPSHOT_SECONDS, seconds / 10)
        reader = read_in_one_snapshot(here, after=seconds / 2 - pause, seconds=pause)
        print(sell(here, seconds=seconds, rate=options.rate))
        reader.join()
        here.shop.deliver_all()
        print("\n".join([f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|", *counted()]))
        ((wal,),) = execute("SELECT round((pg_current_wal_insert_lsn() - '0/0') / 1048576)")
        print(f"WAL since the server was made: {wal:,} MB; audit:", wrongs() or "clean")


if __name__ == "__main__":
    main()
