"""One machine in place of a cluster: each container's own command, environment, user, probe and signal."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar

import urllib3

from tests.kit import manifests
from tests.kit.compose import Service
from tests.kit.machine import Account, Machine, account
from tests.kit.machine_servers import Servers
from tests.kit.processes import until

# In a namespace where it is process 1, and ended with the process that made that.
FIRST = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


class Node(Machine):
    """Where the containers of the manifests run.

    Where this machine lets us (as root), a command is process 1 and has none of root's rights, as in a pod:
    process 1 gets no signal that it has no handler for.
    """

    # The names of Services, and which server of this machine is behind them. There is no pooler, and for a
    # standby the primary, which the shop notices and does not read from.
    addresses: ClassVar[Mapping[str, str]] = {
        "postgres-rw.pointshop:5432": "postgres",
        "postgres-rw:5432": "postgres",
        "postgres-ro:5432": "postgres",
        "pooler:5432": "postgres",
        "broker:6379": "broker",
        "cache:6379": "cache",
    }

    def service(self, name: str) -> Service:
        """What the manifests say of a container. redis-cli knows the password by an older name."""
        found = manifests.services(**self.given)[name]
        password = found.environment.get("VALKEYCLI_AUTH")
        older = {"REDISCLI_AUTH": password} if password else {}
        return replace(found, environment={**found.environment, **older})

    def here(self, service: Service, text: str) -> str:
        """A text with hosts and paths of this machine, whose PostgreSQL has no certificate."""
        text = super().here(service, text).replace("sslmode=require", "sslmode=prefer")
        return text.replace(" /run/metrics/", f" {self.tmpfs(service, '/run/metrics')}/")

    def start(self, name: str) -> None:
        """Start a container's command, without waiting."""
        service = self.service(name)
        argv, options = self.command(service, service.command)
        who = account(int(service.user.partition(":")[0]))
        if may_be_first():
            argv = [*FIRST, *without_rights(who), *argv]
            options = {key: value for key, value in options.items() if key not in who.switch}
        self.launch(name, argv, **options)

    def is_healthy(self, name: str) -> bool:
        """What the container's probe says now; it asks by address, as a node does."""
        method, *where = self.service(name).healthcheck
        if method != "GET":
            return super().is_healthy(name)
        try:
            url = f"http://127.0.0.1:{self.port(name)}{where[0]}"
            return urllib3.request(method, url, retries=False, timeout=5).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def stop(self, name: str) -> float:
        """SIGTERM, as pods are told; how many seconds it took. Raises TimeoutExpired after its grace."""
        begun = time.monotonic()
        os.kill(self.first_process(name), signal.SIGTERM)
        self.running[name].wait(timeout=self.service(name).stop_grace_seconds)
        return time.monotonic() - begun

    def first_process(self, name: str) -> int:
        """A container's process 1, by its number on this machine."""
        running = self.running[name]
        if not isinstance(running.args, list) or tuple(running.args[: len(FIRST)]) != FIRST:
            return running.pid
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        return int(str(until(children.read_text)))


def without_rights(who: Account) -> Sequence[str]:
    """The prefix that gives up root for good: no new privileges, and another uid where `who` has one."""
    if who.prefix:  # a namespace for users comes next, which takes root's rights itself
        return ("setpriv", "--no-new-privs")
    ids = (f"--reuid={who.uid}", f"--regid={who.uid}", "--clear-groups")
    return ("setpriv", *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")


@cache
def may_be_first() -> bool:
    """Whether this machine makes a namespace for processes."""
    return subprocess.run([*FIRST, "true"], capture_output=True, check=False).returncode == 0


def bootstrap(servers: Servers) -> None:
    """What CloudNativePG does once: the owner, the Cluster's statements, the managed role's password."""
    said = manifests.named("Cluster", "postgres")["spec"]
    initdb = said["bootstrap"]["initdb"]
    (role,) = said["managed"]["roles"]
    password = manifests.SECRETS[role["passwordSecret"]["name"]]["password"]
    owner_s = servers.environment()["PGPASSWORD"]
    statements = [
        f"CREATE ROLE {initdb['owner']} LOGIN PASSWORD '{owner_s}'",
        f"ALTER DATABASE {initdb['database']} OWNER TO {initdb['owner']}",
        *initdb["postInitApplicationSQL"],
        f"ALTER ROLE {role['name']} LOGIN PASSWORD '{password}'",
    ]
    psql = [
        servers.program("psql"),
        "-XqAt",
        "--set=ON_ERROR_STOP=1",
        "--username=postgres",
        initdb["database"],
    ]
    script = ";\n".join(statements)
    subprocess.run(psql, input=script, env=servers.environment(), text=True, check=True, capture_output=True)
