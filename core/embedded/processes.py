"""Processes by what their command lines say: finding them, waiting for them, ending them."""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

STOP_SECONDS = 30


def command_lines() -> dict[int, str]:
    """Every process's command line by its pid; that of a zombie is empty."""
    return {each.pid: " ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])}


def pids(pattern: str) -> list[int]:
    return [pid for pid, command in command_lines().items() if re.search(pattern, command)]


def has_ended(pattern: str) -> bool:
    if not pids(pattern):
        # A process has no command line for a moment while it turns into another program.
        time.sleep(0.2)
        return not pids(pattern)
    return False


def terminate(pattern: str, signum: signal.Signals) -> None:
    """Send a signal to those that match; those that are there after STOP_SECONDS are killed."""
    for pid in pids(pattern):
        with suppress(ProcessLookupError):
            os.kill(pid, signum)
    if not wait_until(lambda: not pids(pattern), seconds=STOP_SECONDS) and signum != signal.SIGKILL:
        terminate(pattern, signal.SIGKILL)


def wait_until(
    condition: Callable[[], bool], abort_if: Callable[[], bool] = lambda: False, *, seconds: float
) -> bool:
    """Wait for a condition; False once `abort_if` holds or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if abort_if() or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
