"""python -m benchmarks.locking: four ways to keep a stock right, side by side.

Every way reads the product, writes a line of the sale and lowers the stock in one transaction, over the same
driver and the same server. What differs is when a buyer waits, for what, and what waiting costs.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import psycopg
import redis.asyncio

from core.embedded.servers import EmbeddedServices
from tests.kit.processes import open_folder

SQL = Path(__file__).parent / "sql" / "locking.sql"
READ = "SELECT stock, version FROM goods WHERE id = %s"
LINE = "INSERT INTO sold (good_id) VALUES (%s)"
LOWER = "UPDATE goods SET stock = stock - 1 WHERE id = %s AND stock >= 1"
SPREAD, CONNECTIONS, LOCK_SECONDS, LOOK_SECONDS = 1000, 300, 10, 0.05
WAITING = """SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"""

Connection = psycopg.AsyncConnection[tuple[int, ...]]


@dataclass
class Buyer:
    """One client with a database connection of its own."""

    database: Connection
    redis: "redis.asyncio.Redis[bytes]"
    retries: int = 0

    async def guarded(self, product: int) -> bool:
        """Decide without a lock; the write itself says whether it still fits."""
        async with self.database.transaction():
            await self.database.execute(READ, [product])
            await self.database.execute(LINE, [product])
            return (await self.database.execute(LOWER, [product])).rowcount == 1

    async def locked(self, product: int) -> bool:
        """Lock the product first, then decide."""
        async with self.database.transaction():
            await self.database.execute(f"{READ} FOR UPDATE", [product])
            await self.database.execute(LINE, [product])
            return (await self.database.execute(LOWER, [product])).rowcount == 1

    async def versioned(self, product: int) -> bool:
        """Write only if no other transaction wrote since the read; otherwise retry."""
        while not await self._attempt(product):
            self.retries += 1
            await asyncio.sleep(random.uniform(0, 0.01))
        return True

    async def _attempt(self, product: int) -> bool:
        async with self.database.transaction() as attempt:
            ((_stock, version),) = await (await self.database.execute(READ, [product])).fetchall()
            await self.database.execute(LINE, [product])
            lower = f"{LOWER} AND version = %s".replace("stock - 1", "stock - 1, version = version + 1")
            done = await self.database.execute(lower, [product, version])
            if done.rowcount == 0:
                raise psycopg.Rollback(attempt)
        return done.rowcount == 1

    async def distributed(self, product: int) -> bool:
        """Take a lock in Redis first; the database still has the last word."""
        async with self.redis.lock(f"product:{product}", timeout=LOCK_SECONDS, sleep=0.005):
            return await self.guarded(product)


WAYS: dict[str, Callable[[Buyer, int], Awaitable[bool]]] = {
    "guarded update": Buyer.guarded,
    "SELECT … FOR UPDATE first": Buyer.locked,
    "version column, retries": Buyer.versioned,
    "Redis lock in front": Buyer.distributed,
}


@dataclass
class Round:
    """What one way did under one load."""

    way: str
    hot: bool
    clients: int
    sold: int = 0
    seconds: float = 0
    taken: list[float] = field(default_factory=list)
    retries: int = 0
    waiting: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Sales a second."""
        return self.sold / self.seconds


async def run(servers: EmbeddedServices, way: str, *, hot: bool, clients: int, seconds: float) -> Round:
    """Let so many clients buy for a while."""
    url, result = servers.database_url(), Round(way, hot, clients)
    shared = redis.asyncio.from_url(servers.redis_url(), max_connections=clients)
    connections = [await Connection.connect(url, autocommit=True) for _ in range(clients)]
    buyers = [Buyer(connection, shared) for connection in connections]
    watch = await Connection.connect(url, autocommit=True)
    began = time.monotonic()
    end = began + seconds
    await asyncio.gather(_watch(watch, result, end), *(_buy(buyer, result, end) for buyer in buyers))
    result.seconds = time.monotonic() - began
    result.retries = sum(buyer.retries for buyer in buyers)
    for connection in [*connections, watch]:
        await connection.close()
    await shared.aclose()
    return result


async def _buy(buyer: Buyer, result: Round, end: float) -> None:
    while (began := time.monotonic()) < end:
        product = 1 if result.hot else random.randint(1, SPREAD)
        assert await WAYS[result.way](buyer, product)
        result.taken.append(time.monotonic() - began)
        result.sold += 1


async def _watch(connection: Connection, result: Round, end: float) -> None:
    """Sample how many connections wait for a lock."""
    while time.monotonic() < end:
        ((waiting,),) = await (await connection.execute(WAITING)).fetchall()
        result.waiting.append(waiting)
        await asyncio.sleep(LOOK_SECONDS)


def table(rounds: list[Round]) -> str:
    """Markdown, medians over the runs of each way and load."""
    head = (
        "way",
        "load",
        "clients",
        "sales/s",
        "p50",
        "p99",
        "retries per sale",
        "connections waiting, median/most",
    )
    lines = [f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    for way, hot, clients in dict.fromkeys((each.way, each.hot, each.clients) for each in rounds):
        runs = [each for each in rounds if (each.way, each.hot, each.clients) == (way, hot, clients)]
        lines.append(
            f"| {way} | {'one product' if hot else 'spread'} | {clients}"
            f" | {median(run.rate for run in runs):,.0f}"
            f" | {median(_quantile(run, 0.5) for run in runs) * 1000:,.0f} ms"
            f" | {median(_quantile(run, 0.99) for run in runs) * 1000:,.0f} ms"
            f" | {median(run.retries / run.sold for run in runs):.1f}"
            f" | {median(median(run.waiting) for run in runs):.0f}/{max(max(run.waiting) for run in runs)} |"
        )
    return "\n".join(lines)


def _quantile(run: Round, share: float) -> float:
    return sorted(run.taken)[int(share * len(run.taken))]


@contextmanager
def own_servers() -> Iterator[EmbeddedServices]:
    """Servers of their own with room for every client, until the block ends."""
    with open_folder("locking") as folder:
        servers = EmbeddedServices(folder / "servers")
        try:
            servers.start()
            with psycopg.connect(servers.database_url(), autocommit=True) as connection:
                connection.execute(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
            servers.stop()
            servers.start()
            with psycopg.connect(servers.database_url(), autocommit=True) as connection:
                connection.execute(SQL.read_text())
            yield servers
        finally:
            servers.stop()


def check(servers: EmbeddedServices) -> None:
    """Fail unless every sale lowered a stock by one."""
    with psycopg.connect(servers.database_url()) as connection:
        query = "SELECT sum(1000000000 - stock), (SELECT count(*) FROM sold) FROM goods"
        ((lowered, lines),) = connection.execute(query).fetchall()
    assert lowered == lines, (lowered, lines)


def main() -> None:
    """Run every way under every load, in turn, several times; print the table and leave it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.locking", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="*", default=[16, 200])
    parser.add_argument("--report", type=Path, default=Path(".local/bench"))
    options = parser.parse_args()
    loads = [(hot, clients) for hot in (False, True) for clients in options.clients]
    with own_servers() as servers:
        rounds = [
            asyncio.run(run(servers, way, hot=hot, clients=clients, seconds=options.seconds))
            for _run in range(options.runs)
            for hot, clients in loads
            for way in WAYS
        ]
        check(servers)
    print(table(rounds))
    options.report.mkdir(parents=True, exist_ok=True)
    (options.report / "locking.json").write_text(json.dumps([asdict(each) for each in rounds]) + "\n")


if __name__ == "__main__":
    main()
