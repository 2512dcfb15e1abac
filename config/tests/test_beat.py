"""Beat sends what is due, whatever becomes of its machine's clock."""

from datetime import timedelta

import pytest

from config.celery import FixedIntervalScheduler, app
from orders.outbox.wakeup import DELIVER_TASK
from tests.kit.processes import until


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
