"""Machines in network namespaces of one bridge, each with an address, the others' names, and a cable to pull.

Everything is named with PREFIX, so that what an earlier run left is found by its name and taken away.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.kit.processes import until

PREFIX = "psha-"
BRIDGE = f"{PREFIX}br"
SUBNET = "10.85.0"
OUTSIDE = f"{SUBNET}.1"  # whoever is on no machine: the clients, the data platform
# `ip netns exec` shows these files to what it runs in place of those of /etc.
ETC = Path("/etc/netns")
NOBODY = 65534
# No machine has this address: packets to it are lost without an error.
NOWHERE = "02:00:00:00:00:01"


ENVIRONMENT = {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
IP = shutil.which("ip", path=ENVIRONMENT["PATH"]) or "ip"


class NoNamespaces(Exception):
    """Namespaces cannot be made here: the command that failed, and what it said."""


def ip(*words: str) -> str:
    """Run `ip`; what it printed. Raises RuntimeError."""
    done = subprocess.run([IP, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`ip {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Account:
    """Somebody without root's rights: how to become them, and whose their files are."""

    prefix: tuple[str, ...]
    uid: int


@cache
def nobody() -> Account:
    """Where nobody can reach this Python, root in a namespace of users in which root is nobody."""
    ids = ("--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
    # Twice: the first command is still found with root's rights.
    probe = ["setpriv", *ids, "sh", "-c", '"$1" -c ""', "sh", sys.executable]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return Account(("setpriv", *ids), NOBODY)
    return Account(("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"), 0)


@dataclass
class Machine:
    """One namespace, and what runs in it by name."""

    name: str
    number: int
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"{SUBNET}.{self.number}"

    @property
    def namespace(self) -> str:
        return PREFIX + self.name

    @property
    def cable(self) -> str:
        """The end that is plugged into the bridge."""
        return f"{PREFIX}{self.number}"

    @property
    def entry(self) -> tuple[str, ...]:
        """What to put before a command to run it here. It execs the command, which so has its pid."""
        return (IP, "netns", "exec", self.namespace)

    def start(
        self, name: str, *command: str | Path, log: Path, env: Mapping[str, str] = {}, as_root: bool = False
    ) -> None:
        """Start a program, unless it runs; PostgreSQL refuses to have root's rights."""
        if name in self.running and self.running[name].poll() is None:
            return
        entry = self.entry if as_root else (*self.entry, *nobody().prefix)
        with log.open("ab") as output:
            self.running[name] = subprocess.Popen(
                [*entry, *command],
                env={**ENVIRONMENT, **env},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self, name: str, sort: signal.Signals = signal.SIGTERM) -> None:
        """Ask a program to end, and wait until it has."""
        process = self.running.pop(name)
        process.send_signal(sort)
        process.wait(timeout=60)

    def pids(self) -> list[int]:
        """Everything that runs here."""
        return [int(pid) for pid in ip("netns", "pids", self.namespace).split()]

    def kill(self, pids: Sequence[int] | None = None) -> None:
        """What a power cut does to everything here, or to these processes."""
        chosen = self.pids() if pids is None else pids
        for pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for name, process in list(self.running.items()):
            if process.pid in chosen:
                process.wait()
                del self.running[name]
        until(lambda: not set(chosen) & set(self.pids()))

    def pull_cable(self) -> None:
        """Nothing is heard of the machine any more, and it hears nothing; both wait for answers."""
        ip("link", "set", self.cable, "down")

    def plug_cable(self) -> None:
        ip("link", "set", self.cable, "up")

    def stop_hearing(self, *others: "Machine") -> None:
        """Whatever is sent from here to these is lost on the way, without a word."""
        for other in others:
            ip(
                *("-n", self.namespace, "neigh", "replace", other.address),
                *("lladdr", NOWHERE, "dev", "eth0", "nud", "permanent"),
            )

    def hear(self, *others: "Machine") -> None:
        for other in others:
            ip("-n", self.namespace, "neigh", "del", other.address, "dev", "eth0")


@contextmanager
def apart(one: Machine, *others: Machine) -> Iterator[None]:
    """Inside the block `one` and the others are cut off from each other, while both reach everybody else."""
    one.stop_hearing(*others)
    for other in others:
        other.stop_hearing(one)
    try:
        yield
    finally:
        one.hear(*others)
        for other in others:
            other.hear(one)


@contextmanager
def network(machines: Sequence[Machine], aliases: Mapping[str, str] = {}) -> Iterator[None]:
    """These machines until the block ends, each with the others' names; then everything on them is ended.

    `aliases` are more names of machines. Raises NoNamespaces.
    """
    with Path("/tmp/psha.lock").open("w") as lock:  # one at a time on this computer
        fcntl.flock(lock, fcntl.LOCK_EX)
        clear()
        try:
            _require_namespaces()
            ip("link", "add", BRIDGE, "type", "bridge")
            ip("addr", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
            ip("link", "set", BRIDGE, "up")
            names = {machine.name: machine.address for machine in machines} | {"platform": OUTSIDE}
            names |= {alias: names[name] for alias, name in aliases.items()}
            for machine in machines:
                _plug_in(machine, names)
            yield
        finally:
            clear()
            for process in (each for machine in machines for each in machine.running.values()):
                process.wait()


def _require_namespaces() -> None:
    try:
        ip("netns", "add", f"{PREFIX}probe")
    except RuntimeError as reason:
        raise NoNamespaces(str(reason)) from None


def _plug_in(machine: Machine, names: Mapping[str, str]) -> None:
    inside = ("-n", machine.namespace)
    ip("netns", "add", machine.namespace)
    ip("link", "add", machine.cable, "type", "veth", "peer", "name", "eth0", "netns", machine.namespace)
    ip("link", "set", machine.cable, "master", BRIDGE, "up")
    ip(*inside, "addr", "add", f"{machine.address}/24", "dev", "eth0")
    ip(*inside, "link", "set", "lo", "up")
    ip(*inside, "link", "set", "eth0", "up")
    etc = ETC / machine.namespace
    etc.mkdir(parents=True, exist_ok=True)
    lines = [f"{address} {name}\n" for name, address in {**names, "localhost": "127.0.0.1"}.items()]
    (etc / "hosts").write_text("".join(lines))


def clear() -> None:
    """End what runs in namespaces of our names, and take those away."""
    for line in ip("netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX):
            left = Machine(name.removeprefix(PREFIX), 0)
            left.kill()
            ip("netns", "del", name)
            shutil.rmtree(ETC / name, ignore_errors=True)
    # The other ends of these went with their namespaces, or will in a moment.
    for line in ip("-brief", "link").splitlines():
        name = line.split("@")[0].split()[0]
        if name.startswith(PREFIX):
            with suppress(RuntimeError):
                ip("link", "del", name)
    with suppress(OSError):
        ETC.rmdir()
