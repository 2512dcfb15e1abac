"""What the Celery worker does for refusals."""

from datetime import timedelta

from celery import shared_task
from django.db.models.functions import Now

from backoffice.refusals.models import Refusal
from core.db.transactions import put_off

KEPT = timedelta(days=14)
BATCH = 10_000


@shared_task(name="refusals.forget_old", ignore_result=True)
def forget_old() -> None:
    """Forget refusals older than KEPT, a batch at a time; where no database answers, the next task does."""
    with put_off("refusals_put_off"):
        while _forget_some() == BATCH:
            pass


def _forget_some() -> int:
    old = Refusal.objects.filter(refused_at__lt=Now() - KEPT).order_by("refused_at").values("pk")[:BATCH]
    deleted, _by_model = Refusal.objects.filter(pk__in=old).delete()
    return deleted
