"""Celery tasks for refusals."""

from datetime import timedelta

from celery import shared_task
from django.db.models import Max, Q
from django.db.models.functions import Now

from backoffice.refusals.models import Refusal
from core.db.transactions import put_off

KEPT = timedelta(days=14)
# A third of a gigabyte: who is refused all day long fills no disk.
MAX_ROWS = 1_000_000
BATCH = 10_000


@shared_task(name="refusals.forget_old", ignore_result=True)
def forget_old() -> None:
    """Delete refusals older than KEPT, and all but the newest MAX_ROWS, a batch at a time.

    Without a database, the next run does it.
    """
    with put_off("refusals_put_off"):
        newest = Refusal.objects.aggregate(newest=Max("pk"))["newest"] or 0
        for beyond in (Q(refused_at__lt=Now() - KEPT), Q(pk__lte=newest - MAX_ROWS)):
            while _forget_some(beyond) == BATCH:
                pass


def _forget_some(beyond: Q) -> int:
    some = Refusal.objects.filter(beyond).values("pk")[:BATCH]
    deleted, _by_model = Refusal.objects.filter(pk__in=some).delete()
    return deleted
