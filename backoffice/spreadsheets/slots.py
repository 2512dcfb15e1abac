"""A bound on the work on files that a process does at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from backoffice.spreadsheets.refusals import refusal

# Of a process's threads, eight at least (config/gunicorn.py), files occupy these at most.
MAX_AT_ONCE = 2
MAX_WAITING = 4
WAIT_SECONDS = 5

_slots = BoundedSemaphore(MAX_AT_ONCE)
# Those that have a slot, and those that wait for one.
_queue = BoundedSemaphore(MAX_AT_ONCE + MAX_WAITING)


@contextmanager
def file_slot() -> Iterator[None]:
    """One of the process's slots for work on files, after WAIT_SECONDS at most.

    Raises ValidationError where none is free by then, or too many wait already.
    """
    if not _queue.acquire(blocking=False):
        raise refusal("busy")
    try:
        if not _slots.acquire(timeout=WAIT_SECONDS):
            raise refusal("busy")
        try:
            yield
        finally:
            _slots.release()
    finally:
        _queue.release()
