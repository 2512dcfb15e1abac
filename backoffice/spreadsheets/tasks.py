"""What the Celery worker does for files."""

from celery import shared_task

from backoffice.spreadsheets import staging
from core.db.transactions import put_off


@shared_task(name="seeding.forget_uploads", ignore_result=True)
def forget_uploads() -> None:
    """Forget uploads that nobody confirmed; where no database answers, the next task does."""
    with put_off("uploads_put_off"):
        staging.forget_old_uploads()
