"""A whole shop run from a source tree by what every revision has: its Procfile and its commands."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
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
from core.embedded.processes import pids
from core.embedded.servers import EmbeddedServices
from tests.kit.processes import end, free_port, until

SECRET = "whsec_" + "c2VjcmV0IG9mIGJlbmNobWFya3M="
PATIENCE_SECONDS = 120
# What beat and worker spend on looking for work is less.
IDLE_SECONDS, IDLE_SHARE = 0.5, 0.1
UNDELIVERED = "SELECT EXISTS (SELECT FROM orders_orderevent WHERE state <> 'delivered')"
MADE = "SELECT count(*) FROM orders_orderevent"


@dataclass
class Program:
    """A command to run in a source tree; at most one process of it runs."""

    python: Path
    command: Sequence[str]
    tree: Path
    env: Mapping[str, str]
    log: Path
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it, which does not run."""
        command = [self.python, "-m", *self.command]
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                command, cwd=self.tree, env=self.env, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self) -> None:
        """Ask it to end, if it runs, and wait."""
        if self.running:
            end(self.running)
        self.running = None

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self.running, self.command
        return self.running.pid


@dataclass
class Shop:
    """A shop on servers that run: the programs of its Procfile, and the servers' processes, by name."""

    tree: Path
    python: Path
    env: Mapping[str, str]
    events: Path
    programs: dict[str, Program]
    servers: dict[str, int]
    database: "psycopg.Connection[Any]"

    @property
    def url(self) -> str:
        """Where its web server answers."""
        return f"http://127.0.0.1:{self.env['PORT']}"

    def start(self) -> None:
        """Start every program anew, so that no figure hangs on how one process happened to start."""
        self.stop()
        for program in self.programs.values():
            program.start()

    def stop(self) -> None:
        """End every program."""
        for program in self.programs.values():
            program.stop()

    def wait_until_ready(self) -> None:
        """Until the web server answers and no program is busy starting. Raises AssertionError in the end."""
        until(lambda: _answers(f"{self.url}/livez"))
        until(self._is_idle)

    def _is_idle(self) -> bool:
        before = sum(self._cpu().values())
        time.sleep(IDLE_SECONDS)
        return sum(self._cpu().values()) - before < IDLE_SHARE * IDLE_SECONDS

    def load(self, scenario: Scenario, *, seconds: float) -> Measured:
        """Have clients send a scenario's requests; of some scenarios, until all events have arrived."""
        options = {**COUNTS, **scenario.options(self)}
        plan = Plan(self.url, scenario.traffic, scenario.clients, seconds, scenario.rate, options)
        before = self._cpu()
        measured, answered = send(plan), time.monotonic()
        if scenario.delivered:
            self.wait_for_deliveries()
            measured.seconds += time.monotonic() - answered
        measured.cpu = {group: after - before[group] for group, after in self._cpu().items()}
        return measured

    def wait_for_deliveries(self) -> None:
        """Until the last event has arrived. Raises AssertionError where one does not in time."""
        until(lambda: not self._ask(UNDELIVERED), seconds=PATIENCE_SECONDS)

    def campaign(self) -> int:
        """A new campaign, not issued yet; its id."""
        return add_campaign(self.database)

    def manage(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """What a command of the shop printed."""
        command = [str(self.python), "manage.py", *arguments]
        return subprocess.run(
            command, cwd=self.tree, env=self.env, stdout=subprocess.PIPE, text=True, check=check
        )

    def faults(self) -> list[str]:
        """What the audit finds wrong, and whether the receiver lacks an event."""
        audit = self.manage("audit", check=False)
        found = [audit.stdout] if audit.returncode else []
        taken = len({json.loads(line)["id"] for line in self.events.read_text().splitlines()})
        if taken != (made := self._ask(MADE) - ORDERS):
            found.append(f"{made} orders were taken, and {taken} events arrived")
        return found

    def _cpu(self) -> dict[str, float]:
        groups = {name: program.pid for name, program in self.programs.items()} | self.servers
        return {group: spent(pid) for group, pid in groups.items()}

    def _ask(self, question: str) -> Any:
        row = self.database.execute(question).fetchone()
        return row[0] if row else None


@contextmanager
def open_shop(*, tree: Path, python: Path, folder: Path) -> Iterator[Shop]:
    """A shop with members, stock and a history, to be started; all that it writes is in the folder."""
    folder.mkdir()
    folder.chmod(0o755)  # the database's account must get through
    servers = EmbeddedServices(folder / "servers")
    platform_port, events = free_port(), folder / "events.jsonl"
    env = _environment(servers, port=free_port(), platform_port=platform_port, folder=folder)
    # This tree's receiver also for another revision: the platform is not what is compared.
    take_events = ("manage", "receive_events", "--port", str(platform_port), "--file", str(events))
    receiver = Program(Path(sys.executable), take_events, ROOT, env, folder / "receiver.log")
    lines = (line.partition(": ") for line in (tree / "Procfile").read_text().splitlines())
    programs = {
        name: Program(python, shlex.split(command), tree, env, folder / f"{name}.log")
        for name, _, command in lines
    }
    with ExitStack() as stack:
        stack.callback(servers.stop)
        servers.start()
        database = stack.enter_context(psycopg.connect(servers.database_url(), autocommit=True))
        pid = {"postgres": pids(servers.postmaster_pattern)[0], "redis": pids(servers.redis_pattern)[0]}
        shop = Shop(tree, python, env, events, programs, pid, database)
        shop.manage("migrate", "--verbosity=0")
        fill(database)
        shop.manage("recompute_rankings")
        events.touch()
        stack.callback(receiver.stop)
        receiver.start()
        stack.callback(shop.stop)
        yield shop


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


def _answers(url: str) -> bool:
    with suppress(urllib3.exceptions.HTTPError):
        return urllib3.request("GET", url, retries=False, timeout=2).status == 200
    return False
