"""A shop to break: PostgreSQL and Redis of its own, and processes to kill, freeze and start again."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
import urllib3
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from core.db.audit import audit
from core.embedded.processes import command_lines, pids
from core.embedded.servers import EmbeddedServices
from orders.models import OrderEvent
from orders.outbox.delivery import LEASE
from tests.kit.client import Client
from tests.kit.invariants import broken_rules
from tests.kit.platforms import SECRET, Receiver, Recorder
from tests.kit.processes import ROOT, WORKER, end, environment, free_port, until

SETTLED_SECONDS = 20
# What a worker had in hand when it was killed waits for its lease to end, and for a sweep.
LEASE_AND_SWEEP_SECONDS = LEASE.total_seconds() + 5


class Part:
    """One of the shop's processes, together with its children."""

    def __init__(self, *command: str, log: Path, ready: Callable[[bytes], bool], **env: str) -> None:
        self.command = command
        self.log = log
        self.ready = ready
        self.env = env
        self.program: tuple[str, ...] = (sys.executable,)
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it is ready."""
        if self.running:
            return
        with self.log.open("ab") as output:
            size = output.tell()
            self.running = subprocess.Popen(
                [*self.program, "-m", *self.command],
                cwd=ROOT,
                env=environment(**self.env),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until(lambda: self.ready(self.log.read_bytes()[size:]) or self._fail_if_ended())

    def _fail_if_ended(self) -> bool:
        assert self.running, self.command
        assert self.running.poll() is None, self.log.read_text()[-3000:]
        return False

    def kill(self) -> None:
        """What `kill -9` does to it and its children."""
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def send(self, sort: signal.Signals) -> None:
        """Freeze it and its children (SIGSTOP), or let them go on (SIGCONT)."""
        assert self.running
        os.killpg(self.running.pid, sort)

    def kill_one_child(self) -> None:
        """What `kill -9` does to the youngest of its children alone."""
        assert self.running
        os.kill(max(pid for pid in _session(self.running.pid) if pid != self.running.pid), signal.SIGKILL)

    def stop(self) -> int:
        """Send SIGTERM and wait; the exit code."""
        assert self.running
        running, self.running = self.running, None
        end(running)
        return int(running.returncode)


class Servers:
    """PostgreSQL and Redis that nobody else uses."""

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedServices(folder / "servers")

    def start(self) -> None:
        """Start what does not run."""
        self.embedded.start()

    def crash_postgres(self) -> None:
        """What `pg_ctl -m immediate stop` does."""
        _end(self._postmaster_pid(), signal.SIGQUIT)
        connection.close()

    def stop_postgres(self) -> None:
        """What `pg_ctl -m fast stop` does."""
        _end(self._postmaster_pid(), signal.SIGINT)
        connection.close()

    def signal_postgres(self, sort: signal.Signals) -> None:
        """Freeze all of it (SIGSTOP) or let it go on (SIGCONT)."""
        os.kill(self._postmaster_pid(), sort)  # first, so that it starts no more backends
        for pid in pids(f"^postgres: {self.embedded.tag}: "):
            with suppress(ProcessLookupError):
                os.kill(pid, sort)

    def kill_redis(self) -> None:
        """End Redis with all that it holds."""
        _end(self._redis_pid(), signal.SIGKILL)

    def signal_redis(self, sort: signal.Signals) -> None:
        """Freeze it (SIGSTOP) or let it go on (SIGCONT)."""
        os.kill(self._redis_pid(), sort)

    def redis(self) -> "redis.Redis[bytes]":
        """A client with a second's patience."""
        return redis.Redis.from_url(
            self.embedded.redis_url(), socket_timeout=1, socket_connect_timeout=1, retry=None
        )

    def _postmaster_pid(self) -> int:
        return int((self.embedded.data / "postmaster.pid").read_text().split()[0])

    def _redis_pid(self) -> int:
        commands = command_lines().items()
        (pid,) = (pid for pid, command in commands if re.search(self.embedded.redis_pattern, command))
        return pid


def _session(leader: int) -> list[int]:
    found = []
    for pid, command in command_lines().items():
        with suppress(ProcessLookupError):
            found += [pid] if command and os.getsid(pid) == leader else []
    return found


def _end(pid: int, sort: signal.Signals) -> None:
    os.kill(pid, sort)
    until(lambda: not command_lines().get(pid))


@contextmanager
def serving_us(servers: Servers) -> Iterator[None]:
    """Inside the block this process asks those servers, and so does every process started from it."""
    own = {"HOST": str(servers.embedded.socket_dir), "PORT": "5432", "NAME": "pointshop"}
    before = {name: connection.settings_dict[name] for name in own}
    connection.close()
    connection.settings_dict.update(own)
    try:
        with override_settings(EMBEDDED_DATABASE=False, REDIS_URL=servers.embedded.redis_url()):
            yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


class Shop:
    """Two web processes, a worker and a beat, which send to a platform."""

    def __init__(self, *, servers: Servers, platform: Any, folder: Path) -> None:
        self.servers = servers
        self.platform = platform
        self.folder = folder
        port = str(free_port())
        self.http = Client(f"http://127.0.0.1:{port}")
        self.web = Part(
            *("gunicorn", "-c", "config/gunicorn.py", "config.wsgi:application"),
            log=folder / "web.log",
            ready=lambda _log: self.answers("/livez"),
            PORT=port,
            HOST="127.0.0.1",
            WEB_CONCURRENCY="2",
            MALLOC_ARENA_MAX="2",
            PROMETHEUS_MULTIPROC_DIR=str(folder),
        )
        self.worker = self.another_worker("worker")
        self.beat = Part(
            *("celery", "-A", "config", "beat", "--loglevel=INFO"),
            log=folder / "beat.log",
            ready=lambda _log: True,  # it logs nothing while all is well
        )

    def another_worker(self, name: str) -> Part:
        """A worker that does not run yet."""
        url = self.platform.url
        return Part(
            *(*WORKER, "-n", f"{name}@%h"),
            log=self.folder / f"{name}.log",
            ready=lambda log: b" ready." in log,
            DATA_PLATFORM_URL=url if url.endswith("/events") else f"{url}/events",
            DATA_PLATFORM_SECRET=SECRET,
            WORKER_FILE=str(self.folder / f"{name}.turned"),
        )

    def answers(self, path: str) -> bool:
        """Whether GET says 200."""
        try:
            return self.http.get(path).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def start(self) -> None:
        """Start what does not run."""
        self.servers.start()
        for part in (self.web, self.worker, self.beat):
            part.start()

    def kill(self) -> None:
        """End every process at once."""
        for part in (self.web, self.worker, self.beat):
            part.kill()

    def deliver_all(self, *, seconds: float = SETTLED_SECONDS) -> None:
        """Fail unless every event is delivered in time."""
        until(lambda: not OrderEvent.objects.exclude(state="delivered").exists(), seconds=seconds)

    def settle(self, *, seconds: float = SETTLED_SECONDS) -> None:
        """Fail unless every event arrives in time, the platform has just those, and the books are right."""
        self.deliver_all(seconds=seconds)
        file = self.taken()
        written = {str(pk) for pk in OrderEvent.objects.values_list("pk", flat=True)}
        assert {json.loads(line)["id"] for line in file.read_text().splitlines()} == written
        assert broken_rules() == []
        assert [finding for finding in audit(events=file) if finding.violations] == []

    def taken(self) -> Path:
        """What the platform took, an event a line."""
        if isinstance(self.platform, Receiver):
            self.platform.file.touch()
            return self.platform.file
        file = self.folder / "taken.jsonl"
        file.write_bytes(b"".join(body + b"\n" for _, body in list(self.platform.attempts)))
        return file


@contextmanager
def open_shop(*, servers: Servers, platform: "Receiver | Recorder | Any", folder: Path) -> Iterator[Shop]:
    """A shop that runs until the block ends."""
    shop = Shop(servers=servers, platform=platform, folder=folder)
    try:
        shop.start()
        yield shop
    finally:
        shop.kill()


@contextmanager
def own_servers(folder: Path) -> Iterator[Servers]:
    """Servers with empty tables that this process asks inside the block, and that end with it."""
    servers = Servers(folder)
    try:
        servers.start()
        with serving_us(servers):
            call_command("migrate", verbosity=0, interactive=False)
            yield servers
    finally:
        servers.embedded.stop()
