"""A whole shop run from a source tree by what every revision has: its Procfile and its commands."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from benchmarks.clients import ROOT, Measured, send
from benchmarks.load import Plan
from benchmarks.processors import spent
from benchmarks.rows import COUNTS, ORDERS, add_campaign, fill
from benchmarks.scenarios import Scenario
from config.embedded import EmbeddedServices
from config.processes import pids
from tests.processes import end, free_port, until

SECRET = "whsec_" + "c2VjcmV0IG9mIGJlbmNobWFya3M="
PATIENCE_SECONDS = 120
UNDELIVERED = "SELECT EXISTS (SELECT FROM orders_orderevent WHERE state <> 'delivered')"
MADE = "SELECT count(*) FROM orders_orderevent"


@dataclass
class Shop:
    """A running shop. `pids` are its groups of processes by name: those of its Procfile and its servers."""

    python: Path
    tree: Path
    env: Mapping[str, str]
    url: str
    events: Path
    database: "psycopg.Connection[Any]"
    pids: dict[str, int]

    def load(self, scenario: Scenario, *, seconds: float) -> Measured:
        """Have clients send a scenario's requests; where it says so, until all events have arrived."""
        options = {**COUNTS, **scenario.options(self)}
        plan = Plan(self.url, scenario.traffic, scenario.clients, seconds, scenario.rate, options)
        before, began = self._cpu(), time.monotonic()
        measured = send(plan)
        if scenario.delivered:
            self.wait_for_deliveries()
            measured.seconds = time.monotonic() - began
        measured.cpu = {group: after - before[group] for group, after in self._cpu().items()}
        return measured

    def wait_for_deliveries(self) -> None:
        """Until the last event has arrived. Raises AssertionError where one does not in time."""
        until(lambda: not self._ask(UNDELIVERED), seconds=PATIENCE_SECONDS)

    def campaign(self) -> int:
        """A coupon that nobody has yet; its id."""
        return add_campaign(self.database)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What a command of the shop printed."""
        command = [str(self.python), "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.tree, env=self.env, capture_output=True, text=True, check=False
        )

    def faults(self) -> list[str]:
        """What the audit finds wrong, and whether the receiver lacks an event."""
        audit = self.manage("audit")
        found = [audit.stdout + audit.stderr] if audit.returncode else []
        taken = len({json.loads(line)["id"] for line in self.events.read_text().splitlines()})
        if taken != (made := self._ask(MADE) - ORDERS):
            found.append(f"{made} orders were taken, and {taken} events arrived")
        return found

    def _cpu(self) -> dict[str, float]:
        return {group: spent(pid) for group, pid in self.pids.items()}

    def _ask(self, question: str) -> Any:
        row = self.database.execute(question).fetchone()
        return row[0] if row else None


@contextmanager
def open_shop(*, tree: Path, python: Path, folder: Path) -> Iterator[Shop]:
    """A shop with members, stock and a history, until the block ends; all that it writes is in the folder."""
    folder.mkdir()
    folder.chmod(0o755)  # the database's account must get through
    servers = EmbeddedServices(folder / "servers")
    port, platform_port = free_port(), free_port()
    env = _environment(servers, port=port, platform_port=platform_port, folder=folder)
    with ExitStack() as stack:
        stack.callback(servers.stop)
        servers.start()
        subprocess.run([python, "manage.py", "migrate", "--verbosity=0"], cwd=tree, env=env, check=True)
        database = stack.enter_context(psycopg.connect(servers.database_url(), autocommit=True))
        fill(database)
        subprocess.run(
            [python, "manage.py", "recompute_rankings"],
            cwd=tree,
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )

        def start(name: str, *command: str, tree: Path = tree, python: Path = python) -> int:
            process = _running(python, *command, tree=tree, env=env, log=folder / f"{name}.log")
            return stack.enter_context(process)

        events = folder / "events.jsonl"
        events.touch()
        # This tree's, whatever the shop is: it stands for the platform, and is no part of what is compared.
        receiver = ("manage", "receive_events", "--port", str(platform_port), "--file", str(events))
        start("receiver", *receiver, tree=ROOT, python=Path(sys.executable))
        lines = (line.partition(": ") for line in (tree / "Procfile").read_text().splitlines())
        running = {name: start(name, *shlex.split(command)) for name, _, command in lines}
        (running["postgres"],) = pids(servers.postmaster_pattern)
        (running["redis"],) = pids(servers.redis_pattern)
        until(lambda: _answers(f"http://127.0.0.1:{port}/livez"))
        yield Shop(python, tree, env, f"http://127.0.0.1:{port}", events, database, running)


def _environment(servers: EmbeddedServices, *, port: int, platform_port: int, folder: Path) -> dict[str, str]:
    """Of a deployed shop; of ours only what says where programs and temporary files are."""
    ours = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {
        **ours,
        "DATABASE_URL": servers.database_url(),
        "REDIS_URL": servers.redis_url(),
        "SECRET_KEY": "x" * 50,
        "PYTHONHASHSEED": "0",  # chance makes one process some percent faster than another
        "ALLOWED_HOSTS": "127.0.0.1",
        "CSRF_TRUSTED_ORIGINS": "https://shop.example",
        "GATEWAY_SECRET": "",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_PLATFORM_URL": f"http://127.0.0.1:{platform_port}/events",
        "DATA_PLATFORM_SECRET": SECRET,
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }


@contextmanager
def _running(python: Path, *command: str, tree: Path, env: Mapping[str, str], log: Path) -> Iterator[int]:
    """The process of a command, ended with the block."""
    with log.open("wb") as output:
        started = [python, "-m", *command]
        process = subprocess.Popen(
            started, cwd=tree, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process.pid
    finally:
        end(process)


def _answers(url: str) -> bool:
    with suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", url, retries=False, timeout=2).status == 200
    return False
