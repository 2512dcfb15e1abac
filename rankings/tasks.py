"""Keeping the read models near the present."""

from celery import shared_task
from django.conf import settings

from core.db.transactions import put_off
from rankings import hours, services


@shared_task(name="rankings.recompute", ignore_result=True)
def recompute_rankings() -> None:
    _recompute(from_scratch=True)


@shared_task(name="rankings.advance", ignore_result=True)
def advance_rankings() -> None:
    _recompute(from_scratch=False)


@shared_task(name="rankings.fill_hours", ignore_result=True)
def fill_hours() -> None:
    with put_off("sales_by_hour_put_off"):
        hours.fill_hours()


@shared_task(name="rankings.recount_hours", ignore_result=True)
def recount_hours() -> None:
    with put_off("sales_by_hour_put_off"):
        hours.fill_hours(from_scratch=True)


def _recompute(*, from_scratch: bool) -> None:
    # Where the sums are locked, too, the next minute's task does it.
    with put_off("ranking_put_off"):
        services.recompute(days=settings.RANKING_DAYS, from_scratch=from_scratch)
