"""Sending the outbox's events: claim with a lease, post outside any transaction, mark."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Histogram

from orders.outbox.events import DueEvent, claim, mark_delivered, mark_failed, render
from orders.outbox.platform import DeliveryFailed, Platform
from orders.outbox.wakeup import wake_delivery

CONCURRENCY = 32
# Longer than the longest post, so that no worker sends what is still being sent.
LEASE = timedelta(seconds=15)
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=6)
# 1 s doubling to 6 h: 25 attempts span three days.
MAX_ATTEMPTS = 25
POLL_SECONDS = 0.2
# Wait this long before the next claim, so that one claim and one mark serve several events. With no slot free
# there is a backlog: then only until all posts have ended.
BATCH_WINDOW_SECONDS = 0.1
# Under a steady load some event is always due: the sweep ends all the same, for the worker to run other tasks
# or to stop; the next sweep goes on.
MAX_SWEEP_SECONDS = 5

# Not in orders/metrics.py: a web process imports that, would export this counter as 0, and so fire the alert
# (deploy/prometheus/alerts.yml) where Prometheus does not scrape the worker.
SWEEPS = Counter("shop_delivery_sweeps_total", "Times that the outbox was looked through for due events.")
ATTEMPTS = Counter("shop_delivery_attempts_total", "Posts of an event, by what became of it.", ["outcome"])
LAG = Histogram(
    "shop_delivery_lag_seconds",
    "From the order to the platform's answer, for events delivered.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 21600, 86400),
)
for outcome in ("delivered", "failed", "dead"):
    ATTEMPTS.labels(outcome)  # starts at 0, or Prometheus would miss the first failure

log = structlog.get_logger(__name__)


class _Attempt(NamedTuple):
    """A post that is over: how many seconds it took, and why it failed."""

    event: DueEvent
    seconds: float
    failure: Exception | None = None


def deliver_due_events(*, platform: Platform, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Send the events that are due, until none is left or it is time to stop; how many were delivered.

    It is time after MAX_SWEEP_SECONDS, or where `is_stopping` says so. Up to CONCURRENCY events are in flight
    at once, each in its own slot, so that a slow one delays no other.
    """
    SWEEPS.inc()
    delivered, sweep_ends_at = 0, time.monotonic() + MAX_SWEEP_SECONDS

    def is_time_to_stop() -> bool:
        return is_stopping() or time.monotonic() >= sweep_ends_at

    posts = _start_posts(platform, free_slots=CONCURRENCY)
    try:
        while posts:
            wait(posts, POLL_SECONDS, FIRST_COMPLETED)
            if len(posts) == CONCURRENCY:
                wait(posts, BATCH_WINDOW_SECONDS)
            else:
                time.sleep(BATCH_WINDOW_SECONDS)
            finished = {post for post in posts if post.done()}
            posts -= finished
            # First of all: what is not marked is posted again, should a claim fail.
            delivered += _record_results([post.result() for post in finished])
            if not is_time_to_stop():
                posts |= _start_posts(platform, free_slots=CONCURRENCY - len(posts))
    finally:
        wait(posts)  # only after an error: their threads are to be free for the next sweep
    if is_time_to_stop():
        wake_delivery()  # more may have become due; an idle worker goes on
    return delivered


def wait_before_attempt(*, attempts: int, retry_after: int = 0) -> timedelta | None:
    """How long to wait after so many attempts, ± 20 %, or what the platform asked; None after the last."""
    if attempts >= MAX_ATTEMPTS:
        return None
    doubled = min(FIRST_WAIT * 2.0 ** (attempts - 1), LONGEST_WAIT)
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, keeps no secret # nosec B311
    return max(doubled * jitter, timedelta(seconds=retry_after))


@cache
def _threads() -> ThreadPoolExecutor:
    # Kept from sweep to sweep.
    return ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="delivery")


def _start_posts(platform: Platform, *, free_slots: int) -> set[Future[_Attempt]]:
    events = claim(limit=free_slots, lease=LEASE) if free_slots else []
    if events and len(events) == free_slots:
        wake_delivery()  # more may be due than we can send at once, and a worker be idle
    return {_threads().submit(_post, platform, event) for event in events}


def _post(platform: Platform, event: DueEvent) -> _Attempt:
    began = time.monotonic()
    failure = None
    try:
        platform.post(
            event_id=str(event.id),
            body=render(event),
            request_id=event.request_id,
            caused_by=event.traceparent,
        )
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one event, the others go on
        failure = error
    return _Attempt(event, time.monotonic() - began, failure)


def _record_results(attempts: Sequence[_Attempt]) -> int:
    taken = [attempt for attempt in attempts if not attempt.failure]
    if taken:
        mark_delivered(event_ids=[attempt.event.id for attempt in taken])
    ATTEMPTS.labels("delivered").inc(len(taken))
    for event, post_seconds, _ in taken:
        # From the order to the claim by the database's clock alone.
        LAG.observe(max(0.0, event.waited) + post_seconds)
        log.info("event_delivered", **_about(event))
    for attempt in attempts:
        if attempt.failure:
            _record_failure(attempt.event, attempt.failure)
    return len(taken)


def _about(event: DueEvent) -> dict[str, object]:
    return {
        "event_id": str(event.id),
        "order_id": event.order_id,
        "request_id": event.request_id,
        "attempts": event.attempts,
    }


def _record_failure(event: DueEvent, failure: Exception) -> None:
    retry_after = 0
    if isinstance(failure, DeliveryFailed):
        error, retry_after = str(failure), failure.retry_after
        log.warning("event_not_delivered", error=error, **_about(event))
    else:
        error = repr(failure)
        log.error("event_not_sent", exc_info=failure, **_about(event))
    pause = wait_before_attempt(attempts=event.attempts, retry_after=retry_after)
    ATTEMPTS.labels("dead" if pause is None else "failed").inc()
    mark_failed(event=event, error=error, wait=pause)
