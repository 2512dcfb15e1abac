"""Keeping the shop's processes alive: supervisord restarts what dies, and is itself started anew.

It leads a session of its own, out of reach of the terminal's Ctrl-C. Whatever it starts stays in there, also
what outlives its parent: by the session everything is found and ended.
"""

import json
import logging
import os
import re
import shlex
import signal
import subprocess  # nosec B404 # runs supervisord
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from configparser import RawConfigParser
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, NoReturn

from core.embedded.processes import command_lines

# Longer than any program may take.
STOP_SECONDS = 50
# A supervisord that ends sooner than this will not do better the next time.
SOUND_SECONDS = 2
POLL_SECONDS = 0.05
LOG_BYTES = 5_000_000
# Such lines of config/logs.py, and what Celery and the receiver say as they come and go.
INFORMATION = re.compile(rb"\S+Z \[(info|debug) *\] |worker: |Events posted to |\s*$")


class SupervisorFailed(Exception):
    """supervisord ended as soon as it was started."""


@dataclass(frozen=True)
class Program:
    """A Python program.

    Its arguments, additions to its environment, how it is told to stop and the seconds that may take.
    """

    name: str
    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 10


def write_configuration(*, file: Path, directory: Path, programs: Sequence[Program]) -> None:
    """Write supervisord's configuration, without any control socket, for programs that run in a directory."""
    parser = RawConfigParser(interpolation=None)
    parser["supervisord"] = {
        "nodaemon": "true",
        "logfile": os.devnull,
        "logfile_maxbytes": "0",
        "loglevel": "warn",
        "pidfile": _text(file.with_suffix(".pid")),
        # Says that running as root is no oversight.
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    # In one group, so that all are told to stop at the same time.
    parser["group:shop"] = {"programs": ",".join(program.name for program in programs)}
    for program in programs:
        parser[f"program:{program.name}"] = _section(program, directory)
    with file.open("w") as output:
        parser.write(output)


def _section(program: Program, directory: Path) -> dict[str, str]:
    # env(1), as supervisord's own `environment` cannot hold every value.
    environment = ("env", *(f"{name}={value}" for name, value in program.environment.items()))
    command = shlex.join(str(part) for part in (*environment, sys.executable, *program.arguments))
    return {
        "command": _text(command),
        "directory": _text(directory),
        "autorestart": "true",
        # One that dies within the first second is tried again after 1, 2, 3 … seconds, and never given up.
        "startsecs": "1",
        "startretries": "1000000",
        "stopwaitsecs": str(program.stop_seconds),
        "stopsignal": program.stop_signal,
        # That goes to the process alone, which ends its children in its own way; KILL goes to all of them.
        "killasgroup": "true",
        "redirect_stderr": "true",
        # The pipe to us: unlike a terminal or a socket, it can always be opened by this name.
        "stdout_logfile": "/dev/fd/1",
        "stdout_logfile_maxbytes": "0",
    }


def _text(value: object) -> str:
    return str(value).replace("%", "%%")


class Supervisor:
    """supervisord with a configuration.

    All that it and its programs say goes to the file `log`, which keeps the latest LOG_BYTES or more. What is
    more than information goes to the terminal too.
    """

    def __init__(
        self, *, configuration: Path, environment: Mapping[str, str], log: Path, terminal: IO[bytes]
    ) -> None:
        self.configuration = configuration
        self.environment = environment
        self.log = RotatingFileHandler(log, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
        self.terminal = terminal
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after ending what an earlier one with this configuration left behind."""
        self._end_all()
        self.process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside # nosec B603
            [sys.executable, "-m", "supervisor.supervisord", "-c", self.configuration],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(
            target=_copy, args=(self.process.stdout, self.log, self.terminal), daemon=True
        ).start()

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def keep_running(self) -> NoReturn:
        """Start it anew whenever it ends, until an exception from a signal. Raises SupervisorFailed."""
        while self.process is not None:
            begun = time.monotonic()
            self.process.wait()
            if time.monotonic() - begun < SOUND_SECONDS:
                break
            self.start()
        raise SupervisorFailed

    def stop(self) -> None:
        """End it and all that it started: in order if that takes at most STOP_SECONDS, else at once."""
        if self.process is not None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        self._end_all()

    def _end_all(self) -> None:
        ours = {self.process.pid} if self.process else set()
        end_sessions(leaders=ours | _supervisors(self.configuration))


def _copy(source: IO[bytes], log: logging.Handler, terminal: IO[bytes]) -> None:
    for line in source:
        log.handle(logging.makeLogRecord({"msg": line.decode(errors="replace").rstrip("\n")}))
        if is_information(line):
            continue
        with suppress(OSError):  # nobody reads any more; the programs need not know
            terminal.write(line)
            terminal.flush()


def is_information(line: bytes) -> bool:
    """Whether a line, of either form that config/logs.py has, is of level info or below, or says no more."""
    try:
        level = str(json.loads(line)["level"]) if line.startswith(b"{") else ""
    except (ValueError, KeyError, RecursionError):
        return False
    return level in {"info", "debug"} or bool(INFORMATION.match(line))


def _supervisors(configuration: Path) -> set[int]:
    found = f"supervisor.supervisord -c {configuration}"
    return {pid for pid, command in command_lines().items() if found in command}


def end_leftovers(*, configuration: Path) -> None:
    """End what a supervisord with this configuration left behind, if its starter was killed."""
    end_sessions(leaders=_supervisors(configuration))


def end_sessions(*, leaders: Iterable[int]) -> None:
    """Kill every process of these sessions and wait until none is left."""
    wanted = {*leaders}
    while members := _members(wanted):
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _members(leaders: set[int]) -> list[int]:
    """The living processes of sessions; a zombie has no command line and needs no end."""
    return [pid for pid, command in command_lines().items() if command and _session(pid) in leaders]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it just ended, or is hidden
        return None
