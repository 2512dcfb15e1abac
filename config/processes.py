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
    if not Path("/proc/self/cmdline").exists():
        command = ["/bin/ps", "-axwwo", "pid=,command="]
        listing = subprocess.check_output(command, text=True, errors="replace")  # noqa: S603 constant # nosec B603
        lines = (line.strip().partition(" ") for line in listing.splitlines())
        return {int(pid): command for pid, _, command in lines}
    commands = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it just ended
            commands[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return commands


def has_children() -> bool:
    """Whether this process has any, dead or alive."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def pids(pattern: str) -> list[int]:
    """The processes whose command line matches."""
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
    condition: Callable[[], bool], hopeless: Callable[[], bool] = lambda: False, *, seconds: float
) -> bool:
    """Wait for a condition; False once it is hopeless or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if hopeless() or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
