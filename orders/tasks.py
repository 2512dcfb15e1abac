"""What the Celery worker does for orders."""

from functools import cache

import structlog
from celery import shared_task
from django.conf import settings

from core.broker.stopping import is_stopping
from core.db.transactions import put_off
from orders.outbox import delivery
from orders.outbox.platform import Platform
from orders.outbox.wakeup import DELIVER_TASK

log = structlog.get_logger(__name__)


@shared_task(name=DELIVER_TASK, ignore_result=True)
def deliver_order_events() -> None:
    """Send the events that are due; where no platform is configured, or no database answers, they wait."""
    if not settings.DATA_PLATFORM_URL:
        _say_that_events_wait()
        return
    with put_off("sweep_put_off"):
        delivery.deliver_due_events(platform=_platform(), is_stopping=is_stopping)


@cache
def _platform() -> Platform:
    """One for this process: its connections are kept from turn to turn."""
    return Platform(
        url=settings.DATA_PLATFORM_URL,
        secret=settings.DATA_PLATFORM_SECRET,
        user_agent=f"pointshop/{settings.VERSION}",
    )


@cache
def _say_that_events_wait() -> None:
    """Once in a process, not at every sweep."""
    log.warning("no_platform_configured", what="events wait until DATA_PLATFORM_URL is set")
