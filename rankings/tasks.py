"""Keeping the best sellers' read model near the present."""

import structlog
from celery import shared_task
from django.conf import settings

from api.transactions import PUT_OFF
from rankings import services

log = structlog.get_logger(__name__)


@shared_task(name="rankings.recompute", ignore_result=True)
def recompute_rankings() -> None:
    """Add up the configured window from scratch."""
    _recompute(from_scratch=True)


@shared_task(name="rankings.advance", ignore_result=True)
def advance_rankings() -> None:
    """Move the sums up to the present."""
    _recompute(from_scratch=False)


def _recompute(*, from_scratch: bool) -> None:
    """Where no database answers, or somebody holds the sums, the next minute's task does it."""
    try:
        services.recompute(days=settings.RANKING_DAYS, from_scratch=from_scratch)
    except PUT_OFF as error:
        log.warning("ranking_put_off", error=str(error).partition("\n")[0])
