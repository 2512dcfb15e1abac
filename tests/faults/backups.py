"""Backups by deploy/ha/backup.sh, and restores from them, as its settings in patroni.yml have it."""

import os
import shutil
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tests.kit.database import execute
from tests.kit.processes import ROOT, until
from tests.kit.shop import Servers

DEPLOY = ROOT / "deploy" / "ha"


class Backups:
    """A folder of base backups and of the WAL that these servers archive from now on."""

    def __init__(self, servers: Servers, *, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.script = shutil.copy(DEPLOY / "backup.sh", folder.with_suffix(".sh"))
        owner = servers.embedded.data.stat()
        (folder / "wal").mkdir(parents=True)
        # The wheel's ends in the loader with a segmentation fault, even for --version.
        (folder / "bin").mkdir()
        (folder / "bin" / "pg_verifybackup").write_text('#!/bin/sh\ntest -s "$2/backup_manifest"\n')
        (folder / "bin" / "pg_verifybackup").chmod(0o755)
        os.chown(folder / "wal", owner.st_uid, owner.st_gid)
        for name, value in archive_settings().items():
            there = str(value).replace("/etc/patroni/backup.sh", f"BACKUPS={folder} sh {self.script}")
            execute(f"ALTER SYSTEM SET {name} = '{there}'")
        servers.stop_postgres()
        servers.start()

    def base(self) -> None:
        """Make a base backup, and wait until a moment is later than it by its name, which has seconds."""
        self._run("base")
        second = int(time.time())
        until(lambda: time.time() >= second + 1)

    def restore(self, moment: str, *, zone: str = "UTC") -> None:
        """Start the server as it was at a moment, or `latest`; what it is now is lost."""
        data = self.servers.embedded.data
        self.servers.stop_postgres()
        shutil.rmtree(data)
        self._run("restore", moment, str(data), TZ=zone)
        self.servers.start()

    def _run(self, *arguments: str, **more: str) -> None:
        embedded = self.servers.embedded
        programs = embedded.programs.postgres("pg_basebackup").parent
        where = {"BACKUPS": str(self.folder), "PGHOST": str(embedded.socket_dir), "PGUSER": "postgres"}
        where["PATH"] = f"{self.folder}/bin:{programs}:{os.environ['PATH']}"
        subprocess.run(["sh", self.script, *arguments], check=True, env={**os.environ, **where, **more})


def archive_settings() -> dict[str, Any]:
    """What patroni.yml says of the archive."""
    patroni = yaml.safe_load((DEPLOY / "patroni.yml").read_text())
    parameters = patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]
    return {name: value for name, value in parameters.items() if name.startswith("archive_")}


def promote() -> None:
    """End the recovery, and forget its settings, as docs/operations.md says."""
    assert execute("SELECT pg_promote()") == [(True,)]
    for name in ("restore_command", "recovery_target_time"):
        execute(f"ALTER SYSTEM RESET {name}")


def now() -> str:
    """The database's clock, as the recovery target takes it."""
    ((moment,),) = execute("SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment.isoformat()
