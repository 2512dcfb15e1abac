"""Whether the worker was told to stop: a task that could go on for longer then ends."""

from mmap import mmap
from typing import Any

from celery.signals import worker_shutting_down

# Shared with the processes that do the work: they are forked from the one that is told.
_told = mmap(-1, 1)


@worker_shutting_down.connect
def remember(**_: Any) -> None:
    _told[0] = 1


def is_stopping() -> bool:
    """Whether the worker of this process was told to stop."""
    return _told[0] == 1
