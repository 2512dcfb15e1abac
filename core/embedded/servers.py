"""PostgreSQL 18 and Valkey (as Redis) out of wheels: for development and tests without their URLs set.

Everything lives in one folder (`.local/` of the checkout), the sockets in a short one in /tmp.
One pair of servers serves every process (locks.py).
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from core.embedded.accounts import SPARE_IDS, Account, accounts_for
from core.embedded.language import gettext as _
from core.embedded.locks import Locks
from core.embedded.processes import has_ended, terminate, wait_until
from core.embedded.programs import (
    FROM_WHEELS,
    INITDB_OPTIONS,
    POSTGRES_OPTIONS,
    REDIS_OPTIONS,
    EmbeddedServicesUnavailable,
    Programs,
)

CHECKOUT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
LOG_BYTES = 5_000_000
# A script of psql's, as a transaction cannot create a database, and Django's settings do not stand yet: it
# belongs to no sql.py.
CREATE_DATABASE = r"""
SELECT 'CREATE DATABASE pointshop'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'pointshop') \gexec
"""


class EmbeddedServices:
    """The servers whose data is in `root`. Making one starts nothing."""

    def __init__(self, root: Path = CHECKOUT / ".local", *, programs: Programs = FROM_WHEELS) -> None:
        self.root = root.resolve()
        self.data = self.root / "postgres" / "18"
        self.tag = "pointshop-" + hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        # Short, as a socket's path has at most 107 bytes, 103 on macOS, and the same whatever TMPDIR says.
        self.socket_dir = Path("/tmp", self.tag)  # noqa: S108 - whose it is, is looked at # nosec B108
        self.postmaster_pattern = f"cluster_name={self.tag}( |$)"
        self.redis_pattern = f"(valkey|redis)-server.*{self.tag}/redis.sock"
        self.programs = programs
        self._locks = Locks(self.root, stop=self._stop)

    def database_url(self, *, name: str = "pointshop") -> str:
        """Starts nothing."""
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self.socket_dir))}&port=5432"

    def redis_url(self, *, db: int = 0) -> str:
        """Starts nothing."""
        return f"unix://{quote(str(self.socket_dir))}/redis.sock?db={db}"

    def ensure_running(self) -> None:
        """Start what does not run, and keep it running while this process lives.

        Raises `EmbeddedServicesUnavailable`.
        """
        self._locks.use()
        self._bring_up()

    def start(self) -> None:
        """Start what does not run, and keep it running until `stop()`.

        Raises `EmbeddedServicesUnavailable`.
        """
        os.close(self._locks.open("keep"))
        self._bring_up()

    def stop(self) -> None:
        """Stop both servers cleanly, also under other users of them."""
        with self._locks.start(fcntl.LOCK_EX):
            (self.root / "keep").unlink(missing_ok=True)
            self._stop()

    def status(self) -> dict[str, bool]:
        """Which server takes connections.

        Raises `EmbeddedServicesUnavailable` if they might be another account's.
        """
        self._verify_socket_dir()
        sockets = {"postgres": ".s.PGSQL.5432", "redis": "redis.sock"}
        return {name: _connects(self.socket_dir / path) for name, path in sockets.items()}

    def is_running(self) -> bool:
        # `complete` is missing where a start was cut short.
        return all(self.status().values()) and (self.socket_dir / "complete").exists()

    def close_root(self) -> None:
        """Close the folder of the data to other accounts, and what an older run left open in it.

        Raises `EmbeddedServicesUnavailable` where it is no folder, or not ours.
        """
        with self._locks.start(fcntl.LOCK_SH):
            self._close_root()

    def _close_root(self) -> None:
        for path in (self.root, *self.root.iterdir()):
            found = path.lstat()
            mine = os.geteuid() in {0, found.st_uid} and path != self.data.parent
            theirs = found.st_gid in SPARE_IDS or os.geteuid() == 0 == found.st_gid != found.st_uid
            # What servers of an account of their own pass on their way stays open to their group.
            allowed = 0o710 if path == self.root and theirs else 0o700
            if mine and not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o777 & ~allowed:
                path.chmod(found.st_mode & allowed)

    def _verify_socket_dir(self) -> None:
        # Anybody may make a folder of that name in the temp folder and listen in it.
        with suppress(FileNotFoundError):
            found = self.socket_dir.lstat()
            trusted = {account.uid for account in accounts_for(self.root)}
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in trusted:
                untrusted = _(
                    "%(folder)s belongs to uid %(uid)d, so it is not trusted. "
                    "Root may remove it by `python -m core.embedded stop`."
                )
                raise self._unavailable(untrusted % {"folder": self.socket_dir, "uid": found.st_uid})

    def _bring_up(self) -> None:
        with self._locks.start(fcntl.LOCK_SH):
            if self.is_running():
                self._close_root()
                return
        with self._locks.start(fcntl.LOCK_EX):
            try:
                if not self.is_running():
                    self._start()
            finally:
                self._close_root()

    def _start(self) -> None:
        """Under the exclusive start lock, as everything below."""
        account = self._account()
        running = self.status()
        if not running["postgres"]:
            self._end_postgres()
            self._initialize(account)
            mine = ("-D", self.data, "-k", self.socket_dir, "-c", f"cluster_name={self.tag}")
            postgres = self.programs.postgres("postgres")
            self._launch(account, "postgres", [postgres, *mine, *POSTGRES_OPTIONS], cwd=self.data)
        self._wait_for("postgres", self.postmaster_pattern, self._has_database)
        if not running["redis"]:
            terminate(self.redis_pattern, signal.SIGKILL)
            socket_option = ("--unixsocket", self.socket_dir / "redis.sock")
            redis = self.programs.redis()
            self._launch(account, "redis", [redis, *socket_option, *REDIS_OPTIONS], cwd=self.socket_dir)
        self._wait_for("redis", self.redis_pattern, lambda: self.status()["redis"])
        (self.socket_dir / "complete").touch()

    def _account(self) -> Account:
        programs = (self.programs.postgres("postgres"), self.programs.redis())
        folders = (self.data.parent, self.socket_dir)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        self._verify_socket_dir()
        for account in accounts_for(self.root):
            with suppress(OSError), self._log("postgres") as log:
                self._let_in(account)
                if account.can_serve(programs, folders, output=log):
                    return account
        nobody = _("No account can run the servers with data in %s.")
        raise self._unavailable(nobody % self.root, log="postgres")

    def _let_in(self, account: Account) -> None:
        for folder in (self.data.parent, self.socket_dir):
            os.chown(folder, account.uid, account.gid)
            folder.chmod(0o700)
        if account.initializer != account:
            self.data.parent.chmod(0o710)
        # The servers' way to their folders leads through `root`.
        os.chown(self.root, -1, account.gid)
        self.root.chmod(0o700 if account.uid == self.root.stat().st_uid else 0o710)

    def _initialize(self, account: Account) -> None:
        if self.data.exists():
            self._hand_over(self.data, account)
            return
        for unfinished in self.data.parent.glob("new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        # Renamed when whole. A new name each time: the initdb of a killed starter may still be writing.
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=self.data.parent))
        initializer = account.initializer
        os.chown(fresh, initializer.uid, initializer.gid)
        with self._log("postgres") as log:
            if not initializer.run(
                self.programs.postgres("initdb"), "-D", fresh, *INITDB_OPTIONS, output=log
            ):
                raise self._unavailable(_("initdb failed."), log="postgres")
        self._hand_over(fresh, account)
        fresh.rename(self.data)

    def _hand_over(self, data: Path, account: Account) -> None:
        if data.stat().st_uid == account.uid:
            return
        # Bottom up, so that the owner of the topmost folder tells whether it was finished.
        for folder, _folders, names in os.walk(data, topdown=False):
            for name in (*names, "."):
                os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)

    def _launch(self, account: Account, name: str, command: Sequence[str | Path], *, cwd: Path) -> None:
        with self._log(name) as log:
            # The shell ends at once and leaves the server to init: a dead one stays no zombie.
            account.run("sh", "-c", '"$@" &', "sh", *command, output=log, cwd=cwd)

    def _wait_for(self, name: str, pattern: str, answers: Callable[[], bool]) -> None:
        if not wait_until(answers, lambda: has_ended(pattern), seconds=START_SECONDS):
            raise self._unavailable(_("%s does not start.") % name, log=name)

    def _has_database(self) -> bool:
        psql = self.programs.postgres("psql")
        options = ("-Xq", "--set=ON_ERROR_STOP=1", self.database_url(name="postgres"))
        ourselves = Account(os.geteuid(), os.getegid())
        with Path(os.devnull).open("wb") as nowhere:
            return ourselves.run(psql, *options, output=nowhere, script=CREATE_DATABASE)

    def _stop(self) -> None:
        self._end_postgres()
        terminate(self.redis_pattern, signal.SIGTERM)
        if os.geteuid() != 0:
            self._verify_socket_dir()
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _end_postgres(self) -> None:
        terminate(self.postmaster_pattern, signal.SIGINT)
        # A killed postmaster leaves its children and its pid files.
        terminate(f"^postgres: {self.tag}: ", signal.SIGKILL)
        # PostgreSQL sees to the pids of dead processes itself, but any live one, or a zombie, stops it.
        (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        pid_file = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, IndexError):
            if not self._is_served_by(int(pid_file.read_text().split()[0])):
                pid_file.unlink()

    def _is_served_by(self, pid: int) -> bool:
        # The folder tells: when it started, the checkout may have had another path, and so another tag.
        try:
            return Path(psutil.Process(pid).cwd()).samefile(self.data)
        except psutil.NoSuchProcess:
            return False
        except (OSError, psutil.Error):  # it cannot be seen: better let PostgreSQL judge
            return True

    @contextmanager
    def _log(self, name: str) -> Iterator[IO[bytes]]:
        with os.fdopen(self._locks.open(f"{name}.log", os.O_WRONLY | os.O_APPEND), "ab") as log:
            if log.tell() > LOG_BYTES:
                log.truncate(0)
            yield log

    def _unavailable(self, reason: str, *, log: str = "") -> EmbeddedServicesUnavailable:
        lines = (self.root / f"{log}.log").read_text(errors="replace").splitlines() if log else []
        return EmbeddedServicesUnavailable(reason=reason, log="\n".join(lines[-15:]))


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
        except BlockingIOError:  # a server so busy that its queue is full
            return True
        except OSError:
            return False
    return True


SERVICES = EmbeddedServices()
