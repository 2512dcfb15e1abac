"""Keeping the read models near the present."""

from celery import shared_task
from django.conf import settings

from core.db.transactions import put_off
from rankings import hours, services


@shared_task(name="rankings.recompute", ignore_result=True)
def recompute_rankings() -> None:
    """Add up the configured window from scratch."""
    _recompute(from_scratch=True)


@shared_task(name="rankings.advance", ignore_result=True)
def advance_rankings() -> None:
    """Move the sums up to the present."""
    _recompute(from_scratch=False)


@shared_task(name="rankings.fill_hours", ignore_result=True)
def fill_hours() -> None:
    """Store the hours that no order can enter any more."""
    with put_off("sales_by_hour_put_off"):
        hours.fill_hours()


@shared_task(name="rankings.recount_hours", ignore_result=True)
def recount_hours() -> None:
    """Count all stored hours again."""
    with put_off("sales_by_hour_put_off"):
        hours.fill_hours(from_scratch=True)


def _recompute(*, from_scratch: bool) -> None:
    """Recompute; without a database, or while the sums are locked, the next minute's task does it."""
    with put_off("ranking_put_off"):
        services.recompute(days=settings.RANKING_DAYS, from_scratch=from_scratch)
