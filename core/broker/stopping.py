"""Whether the worker is stopping: a task that could go on for longer then ends."""

from mmap import mmap
from typing import Any

from celery.signals import worker_shutting_down

# Shared memory: the processes that run tasks are forked from the one that gets the signal.
_stopping = mmap(-1, 1)


@worker_shutting_down.connect
def note_shutdown(**_: Any) -> None:
    _stopping[0] = 1


def is_stopping() -> bool:
    """Whether this process's worker has been told to stop."""
    return _stopping[0] == 1
