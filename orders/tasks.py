"""What the Celery worker does for orders."""

from functools import cache
from multiprocessing.sharedctypes import RawValue
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from orders import delivery
from orders.platform import Platform
from orders.wakeup import DELIVER_TASK

log = structlog.get_logger(__name__)

# Made before the pool forks, so that its processes see what only their parent is told.
_stopping = RawValue("b", 0)


@worker_shutting_down.connect
def begin_no_more_posts(**_: Any) -> None:
    """The worker was asked to stop."""
    _stopping.value = 1


@shared_task(name=DELIVER_TASK, ignore_result=True)
def deliver_order_events() -> int:
    """Send the events that are due; where no platform is configured they wait."""
    if not settings.DATA_PLATFORM_URL:
        _say_that_events_wait()
        return 0
    platform = Platform.at(
        url=settings.DATA_PLATFORM_URL,
        secret=settings.DATA_PLATFORM_SECRET,
        connections=delivery.CONCURRENCY,
    )
    return delivery.deliver_due_events(platform=platform, is_stopping=lambda: bool(_stopping.value))


@cache
def _say_that_events_wait() -> None:
    """Once in a process, not at every sweep."""
    log.warning("no_platform_configured", what="events wait until DATA_PLATFORM_URL is set")
