"""Where the measuring is done: a whole shop of its own, and beside it the bare database to compare with."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
from django.db import connection

from benchmarks.load import Plan
from config.embedded import EmbeddedServices
from config.processes import command_lines
from coupons.models import Coupon
from tests import platforms
from tests.faults.shop import Servers, Shop, own_servers
from tests.processes import ROOT

SQL = Path(__file__).parent / "sql"
USERS, PRODUCTS, HOLDERS = 100_000, 1_000, 1_000
QUANTITY = 10_000_000  # of a campaign that is not to run out
FLOOR = "floor"  # a second database of the same server
MEMBER = "\\set u random(1, 100000)\n"
OTHER = "\\set b random(501, 1000)\n"
PRODUCTS_ROWS = "SELECT id, name, price, stock, created_at FROM products_product"
REFUSED = (
    "SELECT quantity - issued,"
    " EXISTS (SELECT FROM coupons_issuedcoupon WHERE coupon_id = :coupon AND user_id = :u)"
    " FROM coupons_coupon WHERE id = :coupon;"
)
FLOOR_WRITES = {
    "orders": f"{MEMBER}{OTHER}\\set a random(1, 500)\nSELECT floor_order(:u, :a, :b);",
    "orders-hot": f"{MEMBER}{OTHER}SELECT floor_order(:u, 1, :b);",
    "charges": f"{MEMBER}SELECT floor_charge(:u);",
    "charges-one": "SELECT floor_charge(1);",
    "issues": "SELECT floor_issue(:coupon);",
}
FLOOR_READS = {
    "issues-sold-out": f"{MEMBER}{REFUSED}",
    "issues-again": f"{MEMBER}{REFUSED}",
    "product": f"\\set a random(1, 1000)\n{PRODUCTS_ROWS} WHERE id = :a;",
    "products": f"{PRODUCTS_ROWS} ORDER BY id LIMIT 21;",
    "ranking": (
        "SELECT product_id, name, price, stock, units, amount FROM rankings_productsales"
        " JOIN products_product ON id = product_id ORDER BY units DESC, product_id LIMIT 5;"
    ),
}


@dataclass
class Measured:
    """One run of one scenario: outcomes, seconds each took, processor seconds by group."""

    seconds: float
    outcomes: dict[str, int]
    taken: list[float]
    client_cpu: float
    receipts: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many were answered with success."""
        return sum(number for outcome, number in self.outcomes.items() if outcome[0] == "2")

    def quantile(self, share: float) -> float:
        """The seconds within which this share was answered."""
        return self.taken[min(len(self.taken) - 1, int(share * len(self.taken)))]


@dataclass
class Stand:
    """A running shop with its servers."""

    shop: Shop
    servers: Servers

    def load(
        self,
        scenario: str,
        *,
        clients: int,
        seconds: float,
        rate: float = 0,
        receipts: bool = False,
        **options: int,
    ) -> Measured:
        """Have clients send a scenario's requests."""
        given = {"users": USERS, "products": PRODUCTS, "holders": HOLDERS, **options}
        plan = Plan(self.shop.http.url, scenario, clients, seconds, rate, given, receipts)
        before = self.cpu()
        command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(plan))]
        said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        measured = Measured(**json.loads(said), cpu=self.cpu_since(before))
        measured.cpu["clients"] = measured.client_cpu
        return measured

    def floor(self, scenario: str, *, clients: int, seconds: float, **variables: int) -> float:
        """What the bare database does of the same a second: reads of the shop's rows, writes beside them.

        What writes leave behind is cleared up before anybody else is measured: written out, and vacuumed.
        """
        options = ["-c", str(clients), "-T", str(int(seconds))]
        options += [f"-D{name}={value}" for name, value in variables.items()]
        if scenario in FLOOR_READS:
            return self._pgbench(FLOOR_READS[scenario], *options, "pointshop")
        rate = self._pgbench(FLOOR_WRITES[scenario], *options, FLOOR)
        with _database(self.servers.embedded, FLOOR) as floor:
            floor.execute("VACUUM ANALYZE")
            floor.execute("CHECKPOINT")
        return rate

    def _pgbench(self, script: str, *options: str) -> float:
        embedded = self.servers.embedded
        program = embedded.postgres_program("pgbench")
        where = ["-h", str(embedded.socket_dir), "-p", "5432", "-U", "postgres"]
        command = [program, "-n", "-j", "2", "-f", "-", *where, *options]
        said = subprocess.run(command, input=script, check=True, capture_output=True, text=True).stdout
        (rate,) = re.findall(r"tps = ([0-9.]+)", said)
        return float(rate)

    def campaign(self, *, quantity: int = QUANTITY) -> int:
        """A coupon that nobody has yet, in both databases; its id, which is the same in both."""
        coupon = Coupon.objects.create(
            name="선착순", discount_type="fixed", discount_value=1, quantity=quantity
        )
        with _database(self.servers.embedded, FLOOR) as floor:
            floor.execute(
                "INSERT INTO coupons_coupon (id, name, discount_type, discount_value, quantity)"
                " OVERRIDING SYSTEM VALUE VALUES (%s, '선착순', 'fixed', 1, %s)",
                (coupon.pk, quantity),
            )
            floor.execute("ALTER SEQUENCE floor_next_user RESTART")
        return int(coupon.pk)

    def cpu(self) -> dict[str, float]:
        """Processor seconds that each group of processes has spent so far, and that the whole machine has."""
        parts = {"web": self.shop.web, "worker": self.shop.worker, "beat": self.shop.beat}
        groups = {name: part.running.pid for name, part in parts.items() if part.running}
        (groups["receiver"],) = _pids(f"receive_events --port {urlsplit(self.shop.platform.url).port} ")
        (groups["postgres"],) = _pids(self.servers.embedded.postmaster_pattern)
        (groups["redis"],) = _pids(self.servers.embedded.redis_pattern)
        return {**{name: _spent(pid) for name, pid in groups.items()}, "machine": _machine()}

    def cpu_since(self, before: dict[str, float]) -> dict[str, float]:
        """The same, spent since then."""
        return {group: seconds - before[group] for group, seconds in self.cpu().items()}


def _pids(pattern: str) -> list[int]:
    return [pid for pid, command in command_lines().items() if re.search(pattern, command)]


def _spent(pid: int) -> float:
    """A process with its children, those that have ended included."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


def _machine() -> float:
    """All that the machine's processors did, whoever for."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """A shop with members and stock, and the floor beside it, until the block ends."""
    with own_servers(folder) as servers:
        _fill(servers.embedded)
        with platforms.receiver(folder) as platform:
            shop = Shop(servers=servers, platform=platform, folder=folder)
            shop.web.env["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
            try:
                shop.start()
                yield Stand(shop, servers)
            finally:
                shop.kill()


def _fill(embedded: EmbeddedServices) -> None:
    """Put rows in, and copy them to the floor's database."""
    with connection.cursor() as cursor:
        cursor.execute((SQL / "floor.sql").read_text())
        cursor.execute(
            (SQL / "stand.sql").read_text(), {"users": USERS, "products": PRODUCTS, "holders": HOLDERS}
        )
    connection.close()
    with _database(embedded, "postgres") as server:
        server.execute(f"CREATE DATABASE {FLOOR} TEMPLATE pointshop")
    for name in ("pointshop", FLOOR):
        with _database(embedded, name) as database:
            database.execute("VACUUM ANALYZE")


def _database(embedded: EmbeddedServices, name: str) -> "closing[psycopg.Connection[Any]]":
    return closing(psycopg.connect(embedded.database_url(name=name), autocommit=True))
