"""Whom the servers run as: PostgreSQL refuses root."""

import grp
import os
import pwd
import subprocess  # nosec B404 # runs our own programs
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

NOBODY = 65534
# Neither people nor systemd's services have these; a user namespace of a container maps them too.
SPARE_IDS = range(65533, 65519, -1)
CAN_SERVE = """
"$1" --version && "$2" --version && shift 2 || exit 1
for folder; do touch "$folder/probe" && rm "$folder/probe" || exit 1; done
"""


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: `uid` and `gid` as seen from outside, `prefix` to get there."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def initializer(self) -> "Account":
        # initdb refuses an account without a name; `nobody` has access by the group.
        return replace(self, uid=NOBODY) if self.uid in SPARE_IDS else self

    def run(self, *command: str | Path, output: IO[bytes], cwd: Path | None = None, script: str = "") -> bool:
        """Whether it succeeds. Raises `OSError`."""
        other = self.uid != os.geteuid()
        switch: dict[str, Any] = {"user": self.uid, "group": self.gid, "extra_groups": ()} if other else {}
        # PGPORT and its like would change what the programs do.
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(  # noqa: S603 our own programs # nosec B603
            [*self.prefix, *command],
            cwd=cwd,
            env=env,
            input=script.encode(),
            stdout=output,
            stderr=subprocess.STDOUT,
            # Out of reach of our terminal's Ctrl-C.
            start_new_session=True,
            check=False,
            **switch,
        )
        return done.returncode == 0

    def can_serve(
        self, programs: tuple[Path, Path], folders: tuple[Path, Path], *, output: IO[bytes]
    ) -> bool:
        """Whether it can run both programs and write in both folders. Raises `OSError`."""
        serves = self.run("sh", "-c", CAN_SERVE, "sh", *programs, *folders, output=output)
        # initdb asks for a name.
        return serves and self.initializer.run("id", "-un", output=output)


def accounts_for(root: Path) -> Iterator[Account]:
    """Those that may serve the data in `root`, the best first."""
    if os.geteuid() != 0:
        yield Account(os.geteuid(), os.getegid())
        return
    owner = root.parent.stat()
    if owner.st_uid != 0:
        yield Account(owner.st_uid, owner.st_gid)
    # Not `nobody`: other programs under that account could reach the servers, their memory and their data.
    if spare := next((uid for uid in SPARE_IDS if not _has_name(uid)), None):
        yield Account(spare, spare)
    # Linux alone has this. Root mapped to nobody: it still reaches what is closed to everybody but root.
    yield Account(0, 0, ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"))


def _has_name(uid: int) -> bool:
    with suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    with suppress(KeyError):
        return bool(grp.getgrgid(uid))
    return False
