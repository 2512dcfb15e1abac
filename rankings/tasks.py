"""The hourly rebuild of the best sellers' read model."""

from celery import shared_task
from django.conf import settings

from rankings import services


@shared_task(name="rankings.recompute", ignore_result=True)
def recompute_rankings() -> None:
    """Rebuild the sums of the configured window."""
    services.recompute(days=settings.RANKING_DAYS)
