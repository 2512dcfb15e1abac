"""A standby that streams from a server of the tests, made by pg_basebackup; both listen on sockets alone."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections

from config import services
from core.db import replica
from core.embedded.accounts import accounts_for
from core.embedded.servers import SERVICES
from tests.kit.processes import until
from tests.kit.shop import Servers

# Room for as many sessions as the primary has, or it would not start; it logs what it is asked, and by whom:
# the shop's sessions have no name.
OPTIONS = (
    "port=5432",
    "listen_addresses=",
    "max_connections=500",
    "log_statement=all",
    "log_line_prefix=%a:",
)


class Standby:
    """The server; `url` leads to the shop's database there."""

    def __init__(self, folder: Path, primary: Servers) -> None:
        self.primary, self.folder = primary.embedded, folder
        self.data, self.log = folder / "data", folder / "log"
        self.logged_bytes = 0
        owner = self.primary.data.stat().st_uid
        self.account = next(each for each in accounts_for(self.primary.root) if each.uid == owner)
        self.name = connection.settings_dict["NAME"]
        self.url = f"postgresql://postgres@/{self.name}?host={folder}&port=5432"

    def start(self) -> None:
        """Start it, as a copy of the primary where there is none yet, and wait until it streams."""
        if not self.data.exists():
            os.chown(self.folder, self.account.uid, self.account.gid)
            source = f"host={self.primary.socket_dir} port=5432 user=postgres"
            self._run("pg_basebackup", "-d", source, "-D", self.data, "-R", "-X", "stream", "-c", "fast")
        options = (*OPTIONS, f"unix_socket_directories={self.folder}")
        words = " ".join(f"-c {each}" for each in options)
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.log, "-o", words)
        until(lambda: self.on_primary("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))

    def stop(self) -> None:
        """What losing it at once does."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", self.data)

    def renew(self) -> None:
        """Put another copy in its place."""
        self.stop()
        shutil.rmtree(self.data)
        self.start()

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement there; its rows, if it has any."""
        return _execute(f"{self.url}&application_name=test", statement)

    def on_primary(self, statement: str) -> list[tuple[Any, ...]]:
        """The same on the primary, by a session of its own."""
        return _execute(self.primary.database_url(name=self.name), statement)

    def catch_up(self) -> None:
        """Wait until it has replayed what was committed until now."""
        ((position,),) = self.on_primary("SELECT pg_current_wal_flush_lsn()")
        until(lambda: self.execute(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == [(True,)])

    def forget_statements(self) -> None:
        self.logged_bytes = self.log.stat().st_size

    def statements(self) -> list[str]:
        """What the shop's sessions have sent it since they were forgotten."""
        lines = self.log.read_bytes()[self.logged_bytes :].decode().splitlines()
        return [
            line
            for line in lines
            if line.startswith(("[unknown]:LOG:  statement:", "[unknown]:LOG:  execute"))
        ]

    def _run(self, program: str, *words: str | Path) -> None:
        with (self.folder / "commands.log").open("w+b") as said:
            done = self.account.run(SERVICES.programs.postgres(program), *words, output=said, cwd=self.folder)
            said.seek(0)
            assert done, said.read()


def _execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as session:
        done = session.execute(statement.encode())
        return done.fetchall() if done.description else []


@contextmanager
def open_standby(folder: Path, primary: Servers) -> Iterator[Standby]:
    """A standby that this process reads from inside the block, as with DATABASE_REPLICA_URL."""
    standby = Standby(folder, primary)
    standby.start()
    default = connections.settings["default"]
    connections.settings[replica.REPLICA] = {**default, **services.database("standby", standby.url)}
    try:
        yield standby
    finally:
        connections[replica.REPLICA].close()
        del connections[replica.REPLICA], connections.settings[replica.REPLICA]
        with suppress(AssertionError):  # a test may have stopped it
            standby.stop()
