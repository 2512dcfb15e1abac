"""One machine in place of the containers: each service's own command, environment, user and health check.

What a container engine would do and this does not: images are not built, and the root file system is not a
mount of its own but a copy of the checkout that nobody may write to. What is rewritten: host names with their
ports, the address and ports that servers listen on, the path of the virtual environment, and where tmpfs is.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from tests.kit.compose import Service, image, is_copied, services
from tests.kit.processes import ROOT, free_port, until

HEALTHY_SECONDS = 60
# Of the environment that the image has, and no more (make test-stack).
VENV = Path(sys.prefix) / "image" / "bin"
# Addresses in the compose file, and whose they are; the last two are where the health checks of images that
# are not ours look inside their containers.
ADDRESSES = {
    "postgres:5432": "postgres",
    "redis-broker:6379": "redis-broker",
    "redis-cache:6379": "redis-cache",
    "web:8000": "web",
    "127.0.0.1:9090": "prometheus",
    "127.0.0.1:8089": "load",
}


@dataclass(frozen=True)
class Account:
    """Somebody who is not root: how to become them, and how to start a process as them."""

    uid: int
    prefix: tuple[str, ...] = ()

    @property
    def switch(self) -> dict[str, object]:
        """What `subprocess` needs to become them."""
        if self.prefix or os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.uid, "extra_groups": ()}


def account(uid: int) -> Account:
    """This uid, where we are root; else us.

    A uid that could not reach a Python of root's is one in a namespace, with none of root's rights.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid())
    try:
        subprocess.run(
            [VENV / "python", "-c", "import django"], user=uid, group=uid, extra_groups=(), check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return Account(0, ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"))
    return Account(uid)


@dataclass
class Machine:
    """Where the services run."""

    folder: Path
    given: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    options: dict[str, dict[str, object]] = field(default_factory=dict)
    addresses: ClassVar[Mapping[str, str]] = ADDRESSES

    @property
    def checkout(self) -> Path:
        """The image's /shop."""
        return self.folder / "shop"

    def port(self, service: str) -> int:
        """Where a service listens here."""
        return self.ports.setdefault(service, free_port())

    def service(self, name: str) -> Service:
        """What the compose file says of it."""
        return services(**self.given)[name]

    def here(self, service: Service, text: str) -> str:
        """A text of the compose file with hosts and paths as they are on this machine."""
        for address, name in self.addresses.items():
            text = text.replace(address, f"127.0.0.1:{self.port(name)}")
        text = text.replace("/opt/venv/bin:$PATH", f"{VENV}:{os.defpath}")
        text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the other way round
        for path in service.tmpfs:
            text = text.replace(path, str(self.tmpfs(service, path))) if text.startswith(path) else text
        return text

    def tmpfs(self, service: Service, path: str) -> Path:
        """The folder in place of a tmpfs."""
        return self.folder / "tmpfs" / service.name / path.strip("/")

    def environment(self, service: Service) -> dict[str, str]:
        """The whole environment of a service's processes."""
        given = {name: self.here(service, value) for name, value in service.environment.items()}
        listens = {"PORT": "web", "METRICS_PORT": "worker"}
        ours = {name: str(self.port(listens[name])) for name in listens if name in given}
        return {**given, **ours, "TMPDIR": str(self.tmpfs(service, "/tmp")), "HOME": "/home/shop"}

    def log(self, name: str) -> Path:
        """What a service wrote."""
        return self.folder / f"{name}.log"

    def prepare(self) -> None:
        """Build the image as the Dockerfile does: copy, collect static files, make all of it read-only."""
        listed = subprocess.check_output(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True
        )
        for name in filter(None, listed.split("\0")):
            if is_copied(Path(name)) and (ROOT / name).is_file():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.checkout / name)
        collect = image().prepared_by[-1]
        env = {**image().environment, "PATH": f"{VENV}:{os.defpath}"}
        subprocess.run(["sh", "-c", collect], cwd=self.checkout, env=env, check=True, capture_output=True)
        subprocess.run(["chmod", "-R", "a-w,a+rX", self.checkout], check=True)

    def command(self, service: Service, command: Sequence[str]) -> tuple[list[str], dict[str, object]]:
        """A command as one of the service's containers would run it, and how to start it."""
        who = account(int(service.user.partition(":")[0] or os.geteuid()))
        for path in {*service.tmpfs, "/tmp"}:
            folder = self.tmpfs(service, path)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o1777)
        here = [self.here(service, part) for part in command]
        program = str(VENV / here[0]) if (VENV / here[0]).exists() else here[0]
        options = {"cwd": self.checkout, "env": self.environment(service), **who.switch}
        return [*who.prefix, program, *here[1:]], options

    def run(self, name: str, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose run --rm <name> <command>`: its own command where none is given."""
        service = self.service(name)
        argv, options = self.command(service, command or service.command)
        options["env"] = {**self.environment(service), **env}
        return subprocess.run(argv, text=True, capture_output=True, check=False, timeout=120, **options)

    def start(self, name: str) -> None:
        """`docker compose up <name>`, without waiting."""
        service = self.service(name)
        argv, options = self.command(service, service.command)
        self.launch(name, argv, **options)

    def launch(self, name: str, argv: Sequence[str | Path], **options: object) -> None:
        """Start a process whose output is kept."""
        self.options[name] = options
        with self.log(name).open("ab") as output:
            self.running[name] = subprocess.Popen(
                argv, stdout=output, stderr=output, start_new_session=True, **options
            )

    def is_healthy(self, name: str) -> bool:
        """What the service's own health check says now."""
        service = self.service(name)
        argv, options = self.command(service, service.healthcheck)
        return subprocess.run(argv, capture_output=True, check=False, timeout=30, **options).returncode == 0

    def wait_until_healthy(self, name: str) -> None:
        """Ask its health check until it succeeds. Raises AssertionError."""

        def look() -> bool:
            ended = self.running[name].poll()
            assert ended is None, f"{name} ended with {ended}: {self.log(name).read_text()[-3000:]}"
            return self.is_healthy(name)

        until(look, seconds=HEALTHY_SECONDS)

    def stop(self, name: str) -> float:
        """Send the service's stop signal; how many seconds it took. Raises TimeoutExpired after its grace."""
        service, begun = self.service(name), time.monotonic()
        self.running[name].send_signal(signal.Signals[service.stop_signal])
        self.running[name].wait(timeout=service.stop_grace_seconds)
        return time.monotonic() - begun

    @contextmanager
    def stopped(self, name: str) -> Iterator[float]:
        """A service that `stop` ended, in so many seconds, for the block; started again after it.

        What it had in its tmpfs is gone: by the file that it touched it would count as healthy at once.
        """
        seconds, service = self.stop(name), self.service(name)
        try:
            yield seconds
        finally:
            for path in service.tmpfs:
                folder = self.tmpfs(service, path)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                folder.chmod(0o1777)
            self.launch(name, self.running[name].args, **self.options[name])

    def end_all(self) -> None:
        """Whatever still runs is ended at once."""
        for process in self.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


Made = TypeVar("Made", bound=Machine)


@contextmanager
def opened(made: Made) -> Iterator[Made]:
    """A machine with the checkout on it and nothing running; all ends with the block."""
    try:
        made.prepare()
        yield made
    finally:
        made.end_all()
        subprocess.run(["chmod", "-R", "u+w", made.folder], check=False)


def machine(folder: Path, **given: str) -> AbstractContextManager[Machine]:
    """One of the compose file."""
    return opened(Machine(folder, given))
