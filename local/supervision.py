"""Keeping the shop's processes alive: supervisord restarts what dies, and is itself started again.

It leads a session of its own, out of reach of the terminal's Ctrl-C. Whatever it starts stays in there, also
what outlives its parent: by the session everything is found and ended.
"""

import logging
import os
import re
import shlex
import signal
import subprocess  # nosec B404 # runs supervisord
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, NoReturn

from core.embedded.language import gettext as _
from core.embedded.owner import give_to_owner
from core.embedded.processes import command_lines, pids
from core.embedded.servers import CHECKOUT

CONFIGURATION = CHECKOUT / "local" / "supervisord.conf"
# Longer than any program may take.
STOP_SECONDS = 50
# A supervisord that ends sooner than this will not do better the next time.
SOUND_SECONDS = 2
POLL_SECONDS = 0.05
LOG_BYTES = 5_000_000
# Lines of level info or below, in either form that config/logs.py has, and what Celery and the receiver say
# as they come and go. In JSON a text's own quotes are escaped: no text passes for a level.
INFORMATION = re.compile(
    rb'\S+Z \[(info|debug) *\] |\{.*"level": ?"(info|debug)"|worker: |Events posted to |\s*$'
)


class CannotRun(Exception):
    """The command is not possible; the message says why."""


class Supervisor:
    """supervisord for the run in a folder.

    All that it and its programs say goes to `shop.log`, which keeps the latest LOG_BYTES or more. What is
    more than information goes to the terminal too.
    """

    def __init__(self, *, folder: Path, environment: Mapping[str, str], terminal: IO[bytes]) -> None:
        self.folder = folder
        self.environment = {
            **environment,
            "SHOP_PYTHON": shlex.quote(sys.executable),
            "SHOP_RUN": shlex.quote(str(folder)),
        }
        self.log = RotatingFileHandler(
            folder / "shop.log", maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8"
        )
        give_to_owner(folder / "shop.log", checkout=CHECKOUT)
        self.terminal = terminal
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._end_all()  # what an earlier one of this run left behind
        # Says that running as root is no oversight.
        user = ["--user=root"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside # nosec B603
            [sys.executable, "-m", "supervisor.supervisord", *_options(self.folder), *user],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._copy, args=(self.process.stdout,), daemon=True).start()

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def keep_running(self) -> NoReturn:
        """Start it again whenever it ends, until an exception from a signal. Raises CannotRun."""
        while self.process is not None:
            begun = time.monotonic()
            self.process.wait()
            if time.monotonic() - begun < SOUND_SECONDS:
                break
            self.start()
        raise CannotRun(_("supervisord ends at once; see the lines above."))

    def stop(self) -> None:
        """End it and all that it started: in order if that takes at most STOP_SECONDS, else at once."""
        if self.process is not None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        self._end_all()

    def _end_all(self) -> None:
        end_sessions(folder=self.folder, leader=self.process.pid if self.process else None)

    def _copy(self, source: IO[bytes]) -> None:
        for line in source:
            self.log.handle(logging.makeLogRecord({"msg": line.decode(errors="replace").rstrip("\n")}))
            if not INFORMATION.match(line):
                with suppress(OSError):  # the terminal is gone; the programs need not know
                    self.terminal.write(line)
                    self.terminal.flush()


def end_sessions(*, folder: Path, leader: int | None = None) -> None:
    """Kill what the supervisord of a run, and a `leader` that has ended, started; wait until none is left."""
    leaders = {*pids(f"supervisor\\.supervisord {re.escape(' '.join(_options(folder)))}( |$)")}
    leaders |= {leader} if leader else set()
    while members := [
        pid for pid, command in command_lines().items() if command and _session(pid) in leaders
    ]:
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _options(folder: Path) -> list[str]:
    # By these the supervisord of a run is found, also if its starter was killed.
    return [f"--configuration={CONFIGURATION}", f"--pidfile={folder / 'supervisord.pid'}"]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it just ended, or is hidden
        return None
