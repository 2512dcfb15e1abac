"""Processes by what their command lines say: finding them, waiting for them, ending them."""

import os
import re
import signal
import subprocess  # nosec B404 # runs ps
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 30


def command_lines() -> dict[int, str]:
    """Every process's command line by its pid; that of a zombie is empty."""
    if not Path("/proc/self/cmdline").exists():  # macOS
        lines = ps("pid=,stat=,command=")
        return {int(pid): "" if state.startswith("Z") else "".join(line) for pid, state, *line in lines}
    commands = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it just ended
            commands[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return commands


def ps(columns: str) -> list[list[str]]:
    """A row for every process, that of ps itself too; the last column may have blanks, or be missing."""
    command = ["/bin/ps", "-axwwo", columns]
    listing = subprocess.check_output(command, text=True, errors="replace")  # noqa: S603 constant # nosec B603
    return [line.split(maxsplit=columns.count(",")) for line in listing.splitlines()]


def has_children() -> bool:
    """Whether this process has any, dead or alive."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        children = [line for parent, *line in ps("ppid=,command=") if int(parent) == os.getpid()]
        return any(not "".join(line).startswith("/bin/ps ") for line in children)
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def pids(pattern: str) -> list[int]:
    return [pid for pid, command in command_lines().items() if re.search(pattern, command)]


def has_ended(pattern: str) -> bool:
    """Asks twice: a process has no command line for a moment while it turns into another program."""
    if not pids(pattern):
        time.sleep(0.2)
        return not pids(pattern)
    return False


def end(pattern: str, sort: signal.Signals) -> None:
    """Send a signal to those that match, wait STOP_SECONDS for them to go, and then insist."""
    for pid in pids(pattern):
        with suppress(ProcessLookupError):
            os.kill(pid, sort)
    if not wait(lambda: not pids(pattern), seconds=STOP_SECONDS) and sort != signal.SIGKILL:
        end(pattern, signal.SIGKILL)


def wait(
    condition: Callable[[], bool], abort_if: Callable[[], bool] = lambda: False, *, seconds: float
) -> bool:
    """Wait for a condition; False once `abort_if` holds or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if abort_if() or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
