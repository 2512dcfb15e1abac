"""Locks on files, by which processes agree on who starts the servers and who stops them.

`start.lock`    exclusive while servers start or stop, shared while someone looks whether they run.
`in-use.lock`   shared by every process that uses the servers; who leaves and can have it alone stops them.

A user takes `in-use.lock` first and looks second; a leaver asks for it while holding `start.lock`. So no
user finds the servers running and loses them to another one's exit.
"""

import atexit
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from core.embedded.language import gettext as _
from core.embedded.owner import give_to_owner
from core.embedded.processes import wait_until
from core.embedded.programs import EmbeddedServicesUnavailable

LEAVE_SECONDS = 3


class Locks:
    """The locks in `root`; `stop` stops the servers when their last user leaves."""

    def __init__(self, root: Path, *, stop: Callable[[], None]) -> None:
        self.root = root
        self._stop = stop
        self._uses: dict[int, int] = {}

    def open(self, name: str, flags: int = os.O_RDWR) -> int:
        """A file in `root`, which belongs to the owner of the checkout even when root comes first.

        Raises `EmbeddedServicesUnavailable` where none can be had.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.root / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            nowhere = _("Cannot write to %(folder)s: %(error)s")
            reason = nowhere % {"folder": self.root, "error": error.strerror}
            raise EmbeddedServicesUnavailable(reason=reason) from error
        checkout = self.root.parent
        if self.root.stat().st_uid != checkout.stat().st_uid:  # later its group is that of the servers
            give_to_owner(self.root, checkout=checkout)
        give_to_owner(descriptor, checkout=checkout)
        return descriptor

    @contextmanager
    def start(self, mode: int) -> Iterator[None]:
        """Hold `start.lock` for the block; `mode` is LOCK_SH or LOCK_EX. Waits without bound."""
        descriptor = self.open("start.lock")
        try:
            fcntl.flock(descriptor, mode)
            yield
        finally:
            os.close(descriptor)

    def use(self) -> None:
        """Use the servers until this process ends; a further call changes nothing."""
        pid = os.getpid()
        if pid in self._uses:
            return
        descriptor = self.open("in-use.lock")
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if self._uses.setdefault(pid, descriptor) == descriptor:
            atexit.register(self._leave, pid)
        else:  # another thread was faster
            os.close(descriptor)

    def _leave(self, pid: int) -> None:
        if os.getpid() != pid:  # a forked child inherits the hook, not the right to stop the servers
            return
        os.close(self._uses.pop(pid))
        with self.start(fcntl.LOCK_EX):
            # Forked children, such as Celery's beat, hold the lock and may not stop: they get time to end.
            wait_until(lambda: not self._in_use() or not psutil.Process().children(), seconds=LEAVE_SECONDS)
            if not self._in_use() and not (self.root / "keep").exists():
                self._stop()

    def _in_use(self) -> bool:
        # Opened again: forked children share the lock of the descriptor that they inherit.
        descriptor = self.open("in-use.lock")
        try:
            return not take(descriptor)
        finally:
            os.close(descriptor)


def take(file: int | IO[str]) -> bool:
    """Whether the exclusive lock on an open file is, or now becomes, ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
