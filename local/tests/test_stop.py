"""`make stop` meets runs that begin or end at that moment."""

import fcntl
import subprocess
import sys

import pytest

from local import instances
from local.supervision import CannotRun


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """The lock of a run, as another process holds it."""
    monkeypatch.setattr(instances, "end_sessions", lambda **_: None)
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held


def test_stop_reports_a_lock_that_names_no_process(lock, tmp_path):
    with pytest.raises(CannotRun, match="lock names no process"):
        instances._end_run(tmp_path / "lock")


def test_stop_waits_for_a_run_that_ends_by_itself(lock, tmp_path, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    lock.write(str(ended.pid))
    lock.flush()
    attempts = iter([False, False, True])
    monkeypatch.setattr(instances, "take", lambda _file: next(attempts))
    assert instances._end_run(tmp_path / "lock") == ended.pid
