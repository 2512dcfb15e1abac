"""PostgreSQL and Redis on a machine, in place of their containers."""

import os
import re
import subprocess
from pathlib import Path
from shlex import quote

from core.embedded.accounts import NOBODY
from core.embedded.servers import SERVICES
from tests.kit.machine import Machine, account
from tests.kit.processes import until


class Servers:
    """PostgreSQL and Redis on a machine: the programs of the wheels with the options of the compose file."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.account = account(NOBODY)

    def program(self, name: str) -> Path:
        """One of PostgreSQL's."""
        return SERVICES.programs.postgres(name)

    def environment(self, server: str = "postgres") -> dict[str, str]:
        """What psql, pg_dump and their like need to ask a server here."""
        secret = self.machine.service("postgres").environment["POSTGRES_PASSWORD"]
        port = str(self.machine.port(server))
        path = f"{self.program('psql').parent}:{os.defpath}"
        return {
            "PATH": path,
            "PGHOST": "127.0.0.1",
            "PGPORT": port,
            "PGPASSWORD": secret,
            "LC_ALL": "C.UTF-8",
        }

    def start_postgres(self, name: str = "postgres") -> None:
        """An empty server; what the image's entry point does, then the service's command."""
        service = self.machine.service("postgres")
        who, secret = service.environment["POSTGRES_USER"], service.environment["POSTGRES_PASSWORD"]
        home = self._home(name)
        (home / "password").write_text(secret)
        (home / "password").chmod(0o644)
        as_them = {"cwd": home, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **self.account.switch}
        initdb = [self.program("initdb"), "-D", home / "data", f"--username={who}"]
        secured = [f"--pwfile={home / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8"]
        subprocess.run([*self.account.prefix, *initdb, *secured], check=True, capture_output=True, **as_them)
        here = ["-k", home, "-p", str(self.machine.port(name)), "-c", "listen_addresses=127.0.0.1"]
        mine = [self.program("postgres"), "-D", home / "data", *here]
        server = [*self.account.prefix, *mine, *service.command[1:]]
        self.machine.launch(name, server, **as_them)
        until(lambda: self.is_healthy(name))
        subprocess.run(
            [self.program("createdb"), f"--username={who}", "pointshop"],
            env=self.environment(name),
            check=True,
        )

    def is_healthy(self, name: str = "postgres") -> bool:
        """What the health check of the service `postgres` says."""
        check = self.machine.service("postgres").healthcheck
        command = [self.program(check[0]), *check[1:]]
        return (
            subprocess.run(command, env=self.environment(name), check=False, capture_output=True).returncode
            == 0
        )

    def start_redis(self, name: str) -> None:
        """The service's own command and environment, on a port of this machine."""
        service = self.machine.service(name)
        shell, option, script = service.command
        home = self._home(name)
        mine = f"- --port {self.machine.port(name)} --bind 127.0.0.1 --dir {quote(str(home))} "
        here = re.sub("(redis|valkey)-server - ", f"{quote(str(SERVICES.programs.redis()))} {mine}", script)
        server = [*self.account.prefix, shell, option, here]
        env = {"PATH": os.defpath, **service.environment}
        self.machine.launch(name, server, cwd=home, env=env, **self.account.switch)
        until(lambda: self.redis_is_healthy(name))

    def redis_is_healthy(self, name: str) -> bool:
        """What the service's health check says; it asks the container's own port."""
        return self.redis_cli(name, *self.machine.service(name).healthcheck[1:]).returncode == 0

    def redis_cli(self, name: str, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """`docker compose exec <name> redis-cli …`."""
        command = ["redis-cli", "-p", str(self.machine.port(name)), *arguments]
        given = {"PATH": os.defpath, **self.machine.service(name).environment, **env}
        return subprocess.run(command, env=given, check=False, capture_output=True, text=True)

    def _home(self, name: str) -> Path:
        home = self.machine.folder / name
        home.mkdir()
        if self.account.uid != os.geteuid() and not self.account.prefix:
            os.chown(home, self.account.uid, self.account.uid)
        return home
