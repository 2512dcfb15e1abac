"""Processor time, as the kernel counts it."""

import sys
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
    """What all threads of a process have run, those that have ended included."""
    if sys.platform == "linux":
        # user + system are rounded down to 10 ms there, which is much for a backend that answers little. This
        # clock counts nanoseconds; its number is clock_getcpuclockid(3)'s, which Python has no name for.
        return time.clock_gettime(~pid << 3 | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
