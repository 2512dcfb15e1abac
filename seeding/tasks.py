"""What the Celery worker does for files."""

import structlog
from celery import shared_task

from api.transactions import PUT_OFF
from seeding import uploads

log = structlog.get_logger(__name__)


@shared_task(name="seeding.forget_uploads", ignore_result=True)
def forget_uploads() -> int:
    """Forget uploads that nobody confirmed; where no database answers, the next task does."""
    try:
        return uploads.forget_old()
    except PUT_OFF as error:
        log.warning("uploads_put_off", error=str(error).partition("\n")[0])
        return 0
