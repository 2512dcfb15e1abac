"""The runs of this checkout, one a port: which process has which, and how they end."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.embedded.language import gettext as _
from core.embedded.locks import take
from core.embedded.owner import give_to_owner
from core.embedded.processes import wait_until
from core.embedded.servers import CHECKOUT, SERVICES
from local.supervision import CannotRun, end_sessions

LOCAL = CHECKOUT / ".local"
STOP_SECONDS = 60


def port_taken(*, port: int) -> CannotRun:
    taken = _("Port %(port)d is taken. Choose another: make run PORT=%(next)d")
    return CannotRun(taken % {"port": port, "next": port + 1})


@contextmanager
def claimed(*, port: int) -> Iterator[Path]:
    """A folder for this run alone, cleared of what a killed run left running. Raises CannotRun."""
    folder = LOCAL / f"run-{port}"
    try:
        SERVICES.close_root()
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = (folder / "lock").open("a+")
        for each in (folder, lock.fileno()):
            give_to_owner(each, checkout=CHECKOUT)
    except OSError as error:
        nowhere = _("Cannot write to %(folder)s: %(error)s")
        raise CannotRun(nowhere % {"folder": folder, "error": error.strerror}) from error
    with lock:
        if not take(lock):
            raise port_taken(port=port)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        end_sessions(folder=folder)
        try:
            yield folder
        finally:
            # What the programs made, and a log that began anew.
            for each in folder.rglob("*"):
                give_to_owner(each, checkout=CHECKOUT)
            lock.truncate(0)  # the next run begins, and `make stop` may come, before it names itself


def stop() -> list[str]:
    """End every run, then the embedded services; what was done. Raises CannotRun."""
    ended = [process for lock in sorted(LOCAL.glob("run-*/lock")) if (process := _end_run(lock))]
    served = any(SERVICES.status().values())
    SERVICES.stop()
    closed = [_("Closed the shop that process %d had opened.") % process for process in ended]
    stopped = [_("Stopped the embedded PostgreSQL and Redis.")] if served else []
    return [*closed, *stopped] or [_("Nothing was running.")]


def reset() -> list[str]:
    """End every run and forget all that `.local` holds; what was done. Raises CannotRun."""
    done = stop()
    shutil.rmtree(LOCAL)
    deleted = _("Deleted %s: database, events, secrets, logs. The next `make run` starts from scratch.")
    return [*done, deleted % LOCAL]


def _end_run(lock: Path) -> int | None:
    """The process that held the lock; None where it was free. Raises CannotRun."""
    holder = None
    with lock.open("r+") as file:
        if not take(file):
            wait_until(lambda: bool(lock.read_text()), seconds=1)
            try:
                holder = int(lock.read_text())
            except ValueError:  # a full disk, or another program that locks it
                raise CannotRun(_("%s names no process to end.") % lock) from None
            with suppress(ProcessLookupError):  # it ends by itself just now
                os.kill(holder, signal.SIGTERM)
            if not wait_until(lambda: take(file), seconds=STOP_SECONDS):
                raise CannotRun(_("Process %d does not end.") % holder)
        end_sessions(folder=lock.parent)  # a killed run holds no lock, but leaves its programs
    return holder
