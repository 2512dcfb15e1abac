"""The Celery application: `celery -A config worker -B`."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("pointshop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
@beat_init.connect
def start_embedded_services(**_: Any) -> None:
    """A worker or beat reaches for the broker before the database, so nothing else would have started it."""
    from config.embedded import SERVICES  # noqa: PLC0415 - `python -m` of it loads us first

    if settings.EMBEDDED_DATABASE or settings.EMBEDDED_REDIS:
        SERVICES.attach()
