"""Beat sends what is due, whatever becomes of its machine's clock."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
import redis

from config.celery import FixedIntervalScheduler, app
from core.embedded.servers import SERVICES
from orders.outbox.wakeup import DELIVER_TASK
from tests.kit.processes import end, free_port, until


@contextmanager
def broker(port: int) -> "Iterator[redis.Redis[bytes]]":
    command = [SERVICES.programs.redis(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = redis.Redis(port=port)
    try:
        until(lambda: _answers(client))
        yield client
    finally:
        client.close()
        end(running)


def _answers(client: "redis.Redis[bytes]") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_beat_sends_a_daily_task_once_its_broker_is_back(monkeypatch):
    said, port = [], free_port()
    monkeypatch.setattr("config.celery.log", SimpleNamespace(warning=lambda event, **_: said.append(event)))
    beat = FixedIntervalScheduler(app=app)
    beat.connection = app.connection_for_write(f"redis://127.0.0.1:{port}/0")
    with broker(port):
        assert beat.producer
    beat.schedule.clear()
    late = app.now() - timedelta(days=2)
    beat.add(name="daily", task="rankings.recount_hours", schedule=timedelta(days=1), last_run_at=late)

    assert [beat.tick(), beat.tick()] == [1, 1]
    with broker(port) as back:
        waits = [beat.tick(), beat.tick()]
        assert (waits[0], waits[1] > 0, back.llen("celery")) == (0, True, 1)
    assert said == ["broker_away", "broker_back"]


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_beat_goes_on_at_once_when_its_clock_is_set(monkeypatch, seconds):
    sent, ahead, now = [], timedelta(0), app.now
    monkeypatch.setattr(app, "now", lambda: now() + ahead)
    beat = FixedIntervalScheduler(app=app)
    monkeypatch.setattr(beat, "apply_async", lambda entry, **_: sent.append(entry.task))
    until(lambda: beat.tick() >= 0 and DELIVER_TASK in sent, seconds=5)

    ahead = timedelta(seconds=seconds)
    sent.clear()
    until(lambda: beat.tick() >= 0 and sent.count(DELIVER_TASK) > 1, seconds=5)
