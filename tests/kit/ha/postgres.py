"""Three machines of etcd, Patroni and PostgreSQL, as deploy/ha sets them up, and what can be done to them."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import urllib3

from core.embedded.processes import command_lines
from core.embedded.servers import SERVICES
from tests.kit.ha.configurations import SECRETS, environment_of, give_to, write
from tests.kit.ha.network import ENVIRONMENT, Machine, nobody
from tests.kit.processes import until

PATRONI = Path(sys.prefix, "ha", "bin")
# Until three new servers have a primary and a synchronous standby.
FORMED_SECONDS = 90
# A former primary may have to be rewound first, or copied.
WHOLE_SECONDS = 90
TTL = 20  # of patroni.yml


def copy_of_postgresql(folder: Path) -> Path:
    """The wheel's programs and libraries where an ordinary account can read them; the programs' folder."""
    programs = SERVICES.programs.postgres("postgres").parents[1]
    package = programs.parent
    shutil.copytree(programs, folder / package.name / programs.name, symlinks=True)
    shutil.copytree(f"{package}.libs", folder / f"{package.name}.libs", symlinks=True)
    return folder / package.name / programs.name / "bin"


@dataclass
class Cluster:
    """The servers; `machines` are db1, db2 and db3."""

    machines: list[Machine]
    folder: Path
    programs: Path
    synchronous: bool = True
    off_by: Counter[str] = field(default_factory=Counter)  # seconds by which a machine's clock is ahead

    def start(self) -> None:
        """Start what does not run, and wait until all are there."""
        for machine in self.machines:
            self.start_etcd(machine)
        until(self._has_leader_of_etcd, seconds=FORMED_SECONDS)
        for machine in self.machines:
            self.start_patroni(machine)
        self.wait_until_whole(seconds=FORMED_SECONDS)

    def start_etcd(self, machine: Machine) -> None:
        place = self.folder / machine.name
        data = give_to(place / "etcd", nobody().uid)
        env = environment_of("etcd.env", machine.name, {"/var/lib/etcd/shop": str(data / "shop")})
        machine.start("etcd", "etcd", log=self.folder / f"etcd-{machine.name}.log", env=env)

    def start_patroni(self, machine: Machine) -> None:
        place = self.folder / machine.name
        data = give_to(place / "postgresql", nobody().uid)
        backups = give_to(self.folder / "backups" / "wal", nobody().uid).parent
        script = write(self.folder, "backup.sh", {})
        file = write(
            place,
            "patroni.yml",
            {
                "/usr/lib/postgresql/18/bin": str(self.programs),
                "/var/lib/postgresql/18": str(data),
                "/var/run/postgresql": str(data),
                "/etc/patroni/backup.sh": f"BACKUPS={backups} sh {script}",
            },
        )
        log = self.folder / f"patroni-{machine.name}.log"
        env = environment_of("patroni.env", machine.name)
        machine.start("patroni", *self._clock(machine), PATRONI / "patroni", file, log=log, env=env)

    def _clock(self, machine: Machine) -> tuple[str, ...]:
        """The prefix that sets the wall clock of Patroni and PostgreSQL; their monotonic clock is right."""
        seconds = self.off_by[machine.name]
        return ("faketime", "-m", "--exclude-monotonic", "-f", f"{seconds:+}s") if seconds else ()

    def set_clock(self, machine: Machine, seconds: int) -> None:
        """Restart it with a clock that is ahead by so much; the other standby is the synchronous one then."""
        self.off_by[machine.name] = seconds
        self.kill_postgres(machine)

        def is_replaced() -> bool:
            others = {role for name, role in self._roles().items() if name != machine.name}
            return others == {"leader", "sync_standby"}

        until(is_replaced, seconds=WHOLE_SECONDS)
        self.restart(machine)
        self.wait_until_whole()

    def restart(self, machine: Machine) -> None:
        """What booting it does."""
        self.start_etcd(machine)
        self.start_patroni(machine)

    def _has_leader_of_etcd(self) -> bool:
        return all(_status(f"http://{each.address}:2379/health") == 200 for each in self.machines)

    def lead_etcd(self, machine: Machine) -> None:
        """Have the machine's etcd lead the others, by its API."""

        def is_leading() -> bool:
            own, leader = _etcd(machine)
            if own != leader:
                for each in self.machines:  # the one that leads takes it
                    address = f"http://{each.address}:2379/v3/maintenance/transfer-leadership"
                    urllib3.request("POST", address, json={"targetID": own}, timeout=2, retries=False)
            return own == leader

        until(is_leading, seconds=FORMED_SECONDS)

    def members(self) -> dict[str, dict[str, Any]]:
        """Each server as Patroni knows it, by name; empty where no Patroni answers."""
        for machine in self.machines:
            try:
                answer = urllib3.request(
                    "GET", f"http://{machine.address}:8008/cluster", timeout=2, retries=False
                )
                return {each["name"]: each for each in answer.json()["members"]}
            except (urllib3.exceptions.HTTPError, ValueError, KeyError):
                continue
        return {}

    def primary(self) -> Machine:
        """Where Patroni says that the primary is. Raises AssertionError where there is none for long."""

        def look() -> Machine | None:
            found = [each for each in self.machines if _status(f"http://{each.address}:8008/primary") == 200]
            return found[0] if len(found) == 1 else None

        machine = until(look, seconds=WHOLE_SECONDS)
        assert isinstance(machine, Machine)
        return machine

    def wait_for_successor(self, old: Machine, *, seconds: float) -> None:
        """Wait until another than the old one says that it is the primary. Raises AssertionError."""
        others = [each for each in self.machines if each is not old]
        asked = [f"http://{each.address}:8008/primary" for each in others]
        until(lambda: any(_status(url) == 200 for url in asked), seconds=seconds)

    def standbys(self) -> list[Machine]:
        primary = self.primary()
        return [each for each in self.machines if each is not primary]

    def synchronous_standby(self) -> Machine:
        return next(each for each in self.machines if self._roles().get(each.name) == "sync_standby")

    def _roles(self) -> dict[str, str]:
        return {name: each["role"] for name, each in self.members().items()}

    def wait_until_whole(self, *, seconds: float = WHOLE_SECONDS) -> None:
        """Wait for a primary and two standbys that stream. Raises AssertionError."""
        standby = "sync_standby" if self.synchronous else "replica"

        def is_whole() -> bool:
            members = self.members().values()
            roles = sorted(each["role"] for each in members)
            streaming = [each for each in members if each["state"] == "streaming"]
            return len(streaming) == 2 and roles == sorted(["leader", "replica", standby])

        until(is_whole, seconds=seconds)

    def patronictl(self, *words: str) -> None:
        """What an operator types on one of the machines. Raises CalledProcessError."""
        machine = next(each for each in self.machines if "patroni" in each.running)
        file = self.folder / machine.name / "patroni.yml"
        subprocess.run(
            [*machine.entry, PATRONI / "patronictl", "-c", file, *words],
            env={**ENVIRONMENT, **environment_of("patroni.env", machine.name)},
            check=True,
            capture_output=True,
            timeout=60,
        )

    def switch_over(self, candidate: Machine | None = None) -> Machine:
        """Have a synchronous standby take over; the new primary."""
        chosen = candidate or self.synchronous_standby()
        leader = self.primary().name
        words = ("switchover", "shop", "--leader", leader, "--candidate", chosen.name, "--force")
        self.patronictl(*words)
        return chosen

    def replicate_synchronously(self, *, on: bool) -> None:
        value = str(on).lower()
        changes = (f"synchronous_mode={value}", f"synchronous_mode_strict={value}")
        self.patronictl("edit-config", "shop", "--force", *(w for each in changes for w in ("-s", each)))
        self.synchronous = on
        self.wait_until_whole()

    def kill_postgres(self, machine: Machine) -> None:
        """End Patroni and PostgreSQL at once, and leave everything else of the machine alone."""
        lines = {pid: line for pid, line in command_lines().items() if pid in machine.pids()}
        machine.kill([pid for pid, line in lines.items() if "postgres" in line or "patroni" in line])

    def kill_patroni(self, machine: Machine) -> None:
        """Kill Patroni alone: PostgreSQL goes on unsupervised."""
        machine.kill([machine.running["patroni"].pid])

    def connect(self, address: str, *, name: str = "postgres", port: int = 5432) -> "psycopg.Connection[Any]":
        """As the superuser."""
        return psycopg.connect(
            host=address,
            port=port,
            dbname=name,
            user="postgres",
            password=SECRETS["PATRONI_SUPERUSER_PASSWORD"],
            connect_timeout=3,
            autocommit=True,
        )


def _status(url: str, headers: Mapping[str, str] = {}) -> int:
    try:
        return int(urllib3.request("GET", url, headers=headers, timeout=2, retries=False).status)
    except urllib3.exceptions.HTTPError:
        return 0


def _etcd(machine: Machine) -> tuple[str, str]:
    """The number of the machine's member of etcd, and of the one that leads."""
    address = f"http://{machine.address}:2379/v3/maintenance/status"
    told = urllib3.request("POST", address, json={}, timeout=2, retries=False).json()
    return told["header"]["member_id"], told["leader"]
