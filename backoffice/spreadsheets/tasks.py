"""Celery tasks for files."""

from celery import shared_task

from backoffice.spreadsheets import uploads
from core.db.transactions import put_off


@shared_task(name="seeding.forget_uploads", ignore_result=True)
def forget_uploads() -> None:
    """Delete uploads that were not confirmed; without a database, the next run does it."""
    with put_off("uploads_put_off"):
        uploads.forget_old_uploads()
