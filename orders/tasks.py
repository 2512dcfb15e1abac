"""Celery tasks for orders."""

from functools import cache
from mmap import mmap
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from core.db.transactions import put_off
from orders.outbox import delivery
from orders.outbox.platform import Platform
from orders.outbox.wakeup import DELIVER_TASK

# Shared memory: the processes that run tasks are forked from the one that gets the signal.
_stopping = mmap(-1, 1)

log = structlog.get_logger(__name__)


@shared_task(name=DELIVER_TASK, ignore_result=True)
def deliver_order_events() -> None:
    if not settings.DATA_PLATFORM_URL:
        _say_that_events_wait()
        return
    with put_off("sweep_put_off"):
        delivery.deliver_due_events(platform=_platform(), is_stopping=is_stopping)


@worker_shutting_down.connect
def note_shutdown(**_: Any) -> None:
    _stopping[0] = 1


def is_stopping() -> bool:
    """Whether the worker has been told to stop, so that long work should end."""
    return _stopping[0] == 1


@cache
def _platform() -> Platform:
    # One a process: its connections are kept from sweep to sweep.
    return Platform(
        url=settings.DATA_PLATFORM_URL,
        secret=settings.DATA_PLATFORM_SECRET,
        user_agent=f"pointshop/{settings.VERSION}",
    )


@cache
def _say_that_events_wait() -> None:
    # Once a process, not at every sweep.
    log.warning("no_platform_configured", what="events wait until DATA_PLATFORM_URL is set")
