"""Processor time, as the kernel counts it."""

import time
from contextlib import suppress

import psutil


def spent(pid: int) -> float:
    """Seconds that a process and its children have run, those that have ended included."""
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        with suppress(psutil.NoSuchProcess, OSError):  # it just ended, and counts with its parent's children
            ended = process.cpu_times()
            total += _run_time(process.pid) + ended.children_user + ended.children_system
    return total


def machine() -> float:
    """Seconds that all processors together have run, for anybody."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _run_time(pid: int) -> float:
    """The clock of a process's own run time, all its threads included, in nanoseconds' steps.

    user + system of /proc are rounded down to 10 ms, which is much for a backend that answers little.
    The number is what clock_getcpuclockid(3) returns on Linux; Python has no name for it.
    """
    return time.clock_gettime(~pid << 3 | 2)
