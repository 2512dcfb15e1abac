"""The shop on six machines: three of PostgreSQL and Valkey, a balancer, two of web and worker."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import urllib3
from django.db import connection
from django.test import override_settings

from tests.kit.ha.configurations import SECRETS
from tests.kit.ha.haproxy import HAProxy
from tests.kit.ha.network import OUTSIDE, Machine, network
from tests.kit.ha.postgres import Cluster, copy_of_postgresql
from tests.kit.ha.redis_sentinel import Redises
from tests.kit.platforms import SECRET
from tests.kit.processes import ROOT, WORKER, environment, until
from tests.kit.shop import Part

PASSWORD = "shop-word"
PLATFORM_PORT = 9100
PGBOUNCER = (ROOT / "deploy/pgbouncer/pgbouncer.ini").read_text()


@dataclass
class Topology:
    """All of it."""

    folder: Path
    databases: list[Machine]
    balancer: Machine
    apps: list[Machine]

    @property
    def machines(self) -> list[Machine]:
        return [*self.databases, self.balancer, *self.apps]

    @property
    def url(self) -> str:
        """Where clients come in."""
        return f"https://{self.balancer.address}"

    @property
    def ca(self) -> Path:
        """Whom they trust."""
        return self.haproxy.ca

    @cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.databases, self.folder, copy_of_postgresql(self.folder))

    @cached_property
    def haproxy(self) -> HAProxy:
        return HAProxy(self.balancer, self.folder)

    @cached_property
    def redises(self) -> Redises:
        return Redises(self.databases, self.folder)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The shop's processes: web and worker of each app machine, and one beat."""
        return self.parts_with()

    def parts_with(self, **env: str) -> dict[str, Part]:
        """These processes with settings of their own; they do not run yet."""
        made = {}
        for number, machine in enumerate(self.apps, start=1):
            made[f"web{number}"] = self.web(machine, f"web{number}", **env)
            made[f"worker{number}"] = self.worker(machine, f"worker{number}", **env)
        return {**made, "beat": self.beat(self.apps[0], "beat", **env)}

    @contextmanager
    def told(self, **env: str) -> Iterator[None]:
        """Inside the block the shop's processes have these settings."""
        usual = self.parts
        self._replace_parts(self.parts_with(**env))
        try:
            yield
        finally:
            self._replace_parts(usual)

    def _replace_parts(self, parts: dict[str, Part]) -> None:
        for part in self.parts.values():
            part.stop()
        self.parts = parts
        self.start_shop()

    @cached_property
    def platform(self) -> Part:
        file = self.folder / "events.jsonl"
        return Part(
            *("tests.kit.faulty_receiver", str(PLATFORM_PORT), str(file), OUTSIDE),
            log=self.folder / "receiver.log",
            ready=lambda log: b" land in " in log,
            DATA_PLATFORM_SECRET=SECRET,
        )

    @property
    def taken(self) -> Path:
        """What the platform took, an event a line."""
        return self.folder / "events.jsonl"

    def web(self, machine: Machine, name: str, *, port: int = 8000, **env: str) -> Part:
        """A group of web processes that does not run yet."""
        return self._part(
            machine,
            ("gunicorn", "-c", "config/gunicorn.py", "config.wsgi:application"),
            log=self.folder / f"{name}.log",
            ready=lambda _log: answers(f"http://{machine.address}:{port}/livez"),
            HOST="0.0.0.0",  # noqa: S104 - in a network namespace of the test
            PORT=str(port),
            WEB_CONCURRENCY="1",
            **env,
        )

    def worker(self, machine: Machine, name: str, **env: str) -> Part:
        celery = (*WORKER, "-n", f"{name}@shop")
        log = self.folder / f"{name}.log"
        return self._part(machine, celery, log=log, ready=lambda said: b" ready." in said, **env)

    def beat(self, machine: Machine, name: str, **env: str) -> Part:
        beat = ("celery", "-A", "config", "beat", "--loglevel=INFO")
        return self._part(machine, beat, log=self.folder / f"{name}.log", ready=lambda _log: True, **env)

    def _part(self, machine: Machine, command: tuple[str, ...], **given: object) -> Part:
        part = Part(*command, **{**self.settings, **given})  # type: ignore[arg-type]
        part.program = (*machine.entry, sys.executable)
        return part

    @property
    def settings(self) -> dict[str, str]:
        """What the shop's processes are told."""
        return {
            "DATABASE_URL": database_url("balancer"),
            "REDIS_URL": self.redises.url,
            "ALLOWED_HOSTS": self.balancer.address,
            "FORWARDED_ALLOW_IPS": self.balancer.address,
            "DATA_PLATFORM_URL": f"http://platform:{PLATFORM_PORT}/events",
            "DATA_PLATFORM_SECRET": SECRET,
        }

    def start_servers(self) -> None:
        """Everything but the shop, and an empty database."""
        self.redises.start()
        self.cluster.start()
        self.haproxy.start()
        with self.cluster.connect(self.cluster.primary().address) as session:
            session.execute(f"CREATE ROLE pointshop LOGIN PASSWORD '{PASSWORD}'")
            session.execute("CREATE DATABASE pointshop OWNER pointshop")
        until(self._is_reached)

    def _is_reached(self) -> bool:
        try:
            self.cluster.connect(self.balancer.address).close()
        except Exception:  # noqa: BLE001 - any failure means "not yet"
            return False
        return True

    def start_pgbouncer(self, machine: Machine) -> None:
        """As deploy/pgbouncer has it, on an app machine; its server `postgres` is the balancer."""
        place = self.folder / f"pgbouncer-{machine.name}"
        place.mkdir(exist_ok=True)
        users, file = place / "userlist.txt", place / "pgbouncer.ini"
        users.write_text(f'"pointshop" "{PASSWORD}"\n')
        file.write_text(PGBOUNCER.replace("/etc/pgbouncer/userlist.txt", str(users)) + "unix_socket_dir =\n")
        log = self.folder / f"pgbouncer-{machine.name}.log"
        machine.start("pgbouncer", "pgbouncer", file, log=log)

    def manage(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`manage.py` on an app machine."""
        return subprocess.run(
            [*self.apps[0].entry, sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment(**{**self.settings, **env}),
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )

    def start_shop(self) -> None:
        """Start what does not run of the shop."""
        for part in self.parts.values():
            part.start()
        self.platform.start()
        until(lambda: answers(f"{self.url}/readyz", ca=self.ca))

    def mend(self) -> None:
        """Start what does not run, anywhere, and wait until all of it is well."""
        for machine in self.machines:
            machine.plug_cable()
        self.redises.start()
        self.cluster.start()
        self.start_shop()

    def processes(self) -> set[int]:
        """The pids of the shop, children too."""
        return {pid for machine in self.apps for pid in machine.pids()}


def database_url(*hosts: str, port: int = 5432) -> str:
    """Of several hosts the one that takes writes."""
    places = ",".join(f"{host}:{port}" for host in hosts)
    url = f"postgresql://pointshop:{PASSWORD}@{places}/pointshop"
    return f"{url}?target_session_attrs=read-write" if len(hosts) > 1 else url


def answers(url: str, *, ca: Path | None = None) -> bool:
    """Whether GET says 200."""
    pool = urllib3.PoolManager(retries=False, timeout=3, **({"ca_certs": str(ca)} if ca else {}))
    try:
        return bool(pool.request("GET", url).status == 200)
    except urllib3.exceptions.HTTPError:
        return False


@contextmanager
def asked_by_us(topology: Topology) -> Iterator[None]:
    """Inside the block this process asks the primary, by way of the balancer, as the superuser."""
    own = {
        "HOST": topology.balancer.address,
        "PORT": "5432",
        "NAME": "pointshop",
        "USER": "postgres",
        "PASSWORD": SECRETS["PATRONI_SUPERUSER_PASSWORD"],
    }
    before = {name: connection.settings_dict[name] for name in own}
    connection.close()
    connection.settings_dict.update(own)
    try:
        with override_settings(EMBEDDED_DATABASE=False):
            yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextmanager
def open_topology(folder: Path) -> Iterator[Topology]:
    """All six machines, running, until the block ends. Raises NoNamespaces."""
    databases = [Machine(f"db{number}", 10 + number) for number in (1, 2, 3)]
    apps = [Machine(f"app{number}", 20 + number) for number in (1, 2)]
    topology = Topology(folder, databases, Machine("balancer", 20), apps)
    with network(topology.machines, aliases={"postgres": "balancer"}), asked_by_us(topology):
        try:
            topology.start_servers()
            migrated = topology.manage("migrate", "--verbosity=0")
            assert migrated.returncode == 0, migrated.stderr
            topology.start_shop()
            yield topology
        finally:
            topology.platform.kill()
            for part in topology.parts.values():
                part.kill()
