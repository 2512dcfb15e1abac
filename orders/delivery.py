"""Sending what the outbox holds: claim with a lease, post outside any transaction, mark."""

import random
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

import structlog

from orders import metrics
from orders.events import render
from orders.models import OrderEvent
from orders.platform import DeliveryFailed, Platform
from orders.wakeup import wake_delivery

CONCURRENCY = 32
# Longer than the longest post, so that nobody sends what is still being sent.
LEASE = timedelta(seconds=15)
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=6)
# 1 s doubling to 6 h: 25 attempts span three days.
MAX_ATTEMPTS = 25
LOOK_AGAIN_SECONDS = 0.2
# The more are in flight, the longer it is waited for others, so that one claim and one mark serve them all.
GATHER_SECONDS = 0.01
LONGEST_GATHER_SECONDS = 0.04
# Under a steady load some event is always due: then the worker stops, or turns to other tasks.
# The next sweep goes on.
TURN_SECONDS = 5

log = structlog.get_logger(__name__)

_Sending = dict[Future[float], OrderEvent]


def deliver_due_events(*, platform: Platform) -> int:
    """Send the events that are due, for TURN_SECONDS or until none is left; how many were delivered.

    Up to CONCURRENCY events are in flight at once, each in its own slot, so that a slow one delays no other.
    """
    metrics.SWEEPS.inc()
    if OrderEvent.objects.are_kept_up_with(lease=LEASE):
        return 0
    delivered, turn_ends = 0, time.monotonic() + TURN_SECONDS
    with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="delivery") as pool:
        sending = _send_due(platform, pool, free_slots=CONCURRENCY)
        while sending:
            returned = {future: sending.pop(future) for future in _returned(sending)}
            platform.cut_overdue()
            if time.monotonic() < turn_ends:
                sending |= _send_due(platform, pool, free_slots=CONCURRENCY - len(sending))
            delivered += _settle(returned)
    if time.monotonic() >= turn_ends:
        wake_delivery()  # more may have become due; whoever is idle goes on
    return delivered


def wait_before_attempt(*, attempts: int, retry_after: int = 0) -> timedelta | None:
    """How long to wait after so many attempts, ± 20 %, or what the platform asked; None after the last."""
    if attempts >= MAX_ATTEMPTS:
        return None
    doubled = min(FIRST_WAIT * 2.0 ** (attempts - 1), LONGEST_WAIT)
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, keeps no secret # nosec B311
    return max(doubled * jitter, timedelta(seconds=retry_after))


def _send_due(platform: Platform, pool: ThreadPoolExecutor, *, free_slots: int) -> _Sending:
    """Claim as many events as there are free slots and start posting them."""
    if not free_slots:
        return {}
    event_ids = OrderEvent.objects.lease(limit=free_slots, duration=LEASE)
    if len(event_ids) == free_slots:
        wake_delivery()  # more may be due than we can send at once, and somebody be idle
    events = OrderEvent.objects.with_order(event_ids)
    return {pool.submit(_post, platform, event): event for event in events}


def _post(platform: Platform, event: OrderEvent) -> float:
    """Post it; how many seconds that took."""
    began = time.monotonic()
    platform.post(event_id=str(event.pk), body=render(event), request_id=event.request_id)
    return time.monotonic() - began


def _lag(event: OrderEvent, *, post_seconds: float) -> float:
    """Seconds from the order to the answer; from the order to the claim by the database's clock alone."""
    claimed_at = (event.leased_until or event.order.ordered_at) - LEASE
    return max(0.0, (claimed_at - event.order.ordered_at).total_seconds()) + post_seconds


def _returned(sending: _Sending) -> set[Future[float]]:
    """The posts that have come back, after a moment in which others may."""
    if wait(sending, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED).done:
        time.sleep(min(len(sending) * GATHER_SECONDS, LONGEST_GATHER_SECONDS))
    return wait(sending, timeout=0).done


def _settle(returned: _Sending) -> int:
    """Write down what became of these attempts; how many were delivered."""
    taken = {event: future.result() for future, event in returned.items() if _was_taken(event, future)}
    OrderEvent.objects.mark_delivered(event_ids=[event.pk for event in taken])
    for event, post_seconds in taken.items():
        metrics.ATTEMPTS.labels("delivered").inc()
        metrics.LAG.observe(_lag(event, post_seconds=post_seconds))
        log.info("event_delivered", **_about(event))
    return len(taken)


def _was_taken(event: OrderEvent, future: Future[float]) -> bool:
    """Whether the platform took it; otherwise it is put off."""
    try:
        future.result()
    except DeliveryFailed as failure:
        log.warning("event_not_delivered", error=str(failure), **_about(event))
        _put_off(event, error=str(failure), retry_after=failure.retry_after)
        return False
    except Exception as bug:
        # Whatever is wrong with one event, the others go on.
        log.exception("event_not_sent", **_about(event))
        _put_off(event, error=repr(bug))
        return False
    return True


def _about(event: OrderEvent) -> dict[str, object]:
    """What every line in the log says of an event: whose it was, too."""
    return {
        "event_id": str(event.pk),
        "order_id": event.order_id,
        "request_id": event.request_id,
        "attempts": event.attempts,
    }


def _put_off(event: OrderEvent, *, error: str, retry_after: int = 0) -> None:
    """Have it sent again later, or give it up after its last attempt."""
    pause = wait_before_attempt(attempts=event.attempts, retry_after=retry_after)
    metrics.ATTEMPTS.labels("dead" if pause is None else "failed").inc()
    OrderEvent.objects.mark_failed(event_id=event.pk, error=error, wait=pause)
