"""Keeping the best sellers' read model near the present."""

from celery import shared_task
from django.conf import settings

from rankings import services


@shared_task(name="rankings.recompute", ignore_result=True)
def recompute_rankings() -> None:
    """Add up the configured window from scratch."""
    services.recompute(days=settings.RANKING_DAYS, from_scratch=True)


@shared_task(name="rankings.advance", ignore_result=True)
def advance_rankings() -> None:
    """Move the sums up to the present."""
    services.recompute(days=settings.RANKING_DAYS)
