"""The system under test: a separate shop, and the bare database to compare it with."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.management import call_command
from django.db import connection

from benchmarks.clients import Measured, send
from benchmarks.floors import READS, WRITES
from benchmarks.load import Plan
from benchmarks.processors import machine, spent
from benchmarks.rows import COUNTS, QUANTITY, add_campaign, fill
from core.embedded.processes import pids
from core.embedded.servers import EmbeddedServices
from tests.kit import platforms
from tests.kit.shop import Servers, Shop, own_servers

FLOOR = "floor"  # a second database of the same server


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
        plan = Plan(self.shop.http.url, scenario, clients, seconds, rate, {**COUNTS, **options}, receipts)
        before = self.cpu()
        measured = send(plan)
        measured.cpu = {**self.cpu_since(before), "clients": measured.client_cpu}
        return measured

    def floor(self, scenario: str, *, clients: int, seconds: float, **variables: int) -> float:
        """What the bare database does of the same a second: reads of the shop's rows, writes beside them.

        What writes leave behind is cleared up before anybody else is measured: written out, and vacuumed.
        """
        options = ["-c", str(clients), "-T", str(int(seconds))]
        options += [f"-D{name}={value}" for name, value in variables.items()]
        if scenario in READS:
            return self._pgbench(READS[scenario], *options, "pointshop")
        rate = self._pgbench(WRITES[scenario], *options, FLOOR)
        with _database(self.servers.embedded, FLOOR) as floor:
            floor.execute("VACUUM ANALYZE")
            floor.execute("CHECKPOINT")
        return rate

    def _pgbench(self, script: str, *options: str) -> float:
        embedded = self.servers.embedded
        program = embedded.programs.postgres("pgbench")
        where = ["-h", str(embedded.socket_dir), "-p", "5432", "-U", "postgres"]
        command = [program, "-n", "-j", "2", "-f", "-", *where, *options]
        said = subprocess.run(command, input=script, check=True, capture_output=True, text=True).stdout
        (rate,) = re.findall(r"tps = ([0-9.]+)", said)
        return float(rate)

    def campaign(self, *, quantity: int = QUANTITY) -> int:
        """A new campaign in both databases, not issued yet; its id, the same in both."""
        embedded = self.servers.embedded
        with _database(embedded, "pointshop") as shop, _database(embedded, FLOOR) as floor:
            coupon, same = (add_campaign(database, quantity=quantity) for database in (shop, floor))
            assert coupon == same
            floor.execute("ALTER SEQUENCE floor_next_user RESTART")
        return coupon

    def cpu(self) -> dict[str, float]:
        """Processor seconds that each group of processes has spent so far, and that the whole machine has."""
        parts = {"web": self.shop.web, "worker": self.shop.worker, "beat": self.shop.beat}
        groups = {name: part.running.pid for name, part in parts.items() if part.running}
        (groups["receiver"],) = pids(f"receive_events --port {urlsplit(self.shop.platform.url).port} ")
        (groups["postgres"],) = pids(self.servers.embedded.postmaster_pattern)
        (groups["redis"],) = pids(self.servers.embedded.redis_pattern)
        return {**{name: spent(pid) for name, pid in groups.items()}, "machine": machine()}

    def cpu_since(self, before: dict[str, float]) -> dict[str, float]:
        """The same, spent since then."""
        return {group: seconds - before[group] for group, seconds in self.cpu().items()}


@contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """A shop with members and stock, and the floor beside it, until the block ends."""
    with own_servers(folder) as servers:
        _fill(servers.embedded)
        with platforms.receiver(folder, bundled=True) as platform:
            shop = Shop(servers=servers, platform=platform, folder=folder)
            shop.web.env["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
            try:
                shop.start()
                yield Stand(shop, servers)
            finally:
                shop.kill()


def _fill(embedded: EmbeddedServices) -> None:
    """Put rows in, and copy them to the floor's database."""
    with _database(embedded, "pointshop") as shop:
        fill(shop)
    call_command("recompute_rankings", stdout=StringIO())
    connection.close()  # a template must have no users
    with _database(embedded, "postgres") as server:
        server.execute(f"CREATE DATABASE {FLOOR} TEMPLATE pointshop")
    with _database(embedded, FLOOR) as floor:
        floor.execute("VACUUM ANALYZE")


def _database(embedded: EmbeddedServices, name: str) -> "closing[psycopg.Connection[Any]]":
    return closing(psycopg.connect(embedded.database_url(name=name), autocommit=True))
