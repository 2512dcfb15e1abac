"""A worker that is told to stop."""

import os
from collections.abc import Iterator

import pytest
from celery.signals import worker_shutting_down

from orders import tasks


@pytest.fixture
def forked() -> Iterator[int]:
    """The exit status of a process forked before the worker is told: whether it knows by then."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.read(reader, 1)
        os._exit(tasks.is_stopping())
    worker_shutting_down.send(sender="worker@shop", sig="TERM", how="Warm", exitcode=0)
    os.write(writer, b".")
    yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tasks._stopping[0] = 0
    os.close(reader)
    os.close(writer)


def test_process_forked_earlier_notices_that_its_worker_stops(forked):
    assert forked == 1
    assert tasks.is_stopping()


def test_worker_that_was_not_told_goes_on():
    assert not tasks.is_stopping()
