"""How long an event waits for its next attempt."""

from datetime import timedelta

import pytest

from orders.outbox.delivery import wait_before_attempt

LAST = 25


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1), (2, 2), (5, 16), (14, 8192), (16, 21_600), (24, 21_600)]
)
def test_retry_waits_double_to_six_hours_and_vary_by_a_fifth(attempts, seconds):
    waits = [wait_before_attempt(attempts=attempts).total_seconds() for _ in range(500)]
    assert min(waits) >= 0.8 * seconds
    assert max(waits) <= 1.2 * seconds
    assert max(waits) - min(waits) > 0.3 * seconds


def test_retries_of_events_refused_together_are_spread():
    assert len({wait_before_attempt(attempts=3) for _ in range(100)}) == 100


def test_retry_after_the_last_attempt_has_no_wait():
    assert wait_before_attempt(attempts=LAST - 1)
    assert wait_before_attempt(attempts=LAST) is None


def test_retries_last_about_three_days():
    waits = [wait_before_attempt(attempts=attempts) for attempts in range(1, LAST)]
    assert timedelta(days=2) < sum(waits, timedelta()) < timedelta(days=4)


def test_retry_after_counts_where_it_is_longer():
    assert wait_before_attempt(attempts=1, retry_after=60) == timedelta(seconds=60)
    assert wait_before_attempt(attempts=10, retry_after=1) > timedelta(seconds=400)
