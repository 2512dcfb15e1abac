"""The Celery application: `celery -A config worker -B`."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import beat_init, celeryd_init, task_prerun
from django.conf import settings
from django.db import close_old_connections
from kombu import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class SteadyConnection(Connection):
    """A connection that tries again every second: kombu's own waits grow to half a minute."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Wait until the broker answers; the embedded one is started if somebody killed it."""
        start_embedded_services()
        steady = {"interval_start": 1, "interval_step": 0, "interval_max": 1}
        return super().ensure_connection(*args, **{**steady, **kwargs})


class SteadyAMQP(AMQP):
    """Celery's messaging over such connections."""

    Connection = SteadyConnection


app = Celery("pointshop", amqp=SteadyAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def drop_dead_connections(**_: Any) -> None:
    """What a request of the web does: have the health of this process's connections looked at again."""
    close_old_connections()


@celeryd_init.connect
@beat_init.connect
def start_embedded_services(**_: Any) -> None:
    """A worker or beat reaches for the broker before the database, so nothing else would have started it."""
    from config.embedded import SERVICES  # noqa: PLC0415 - `python -m` of it loads us first

    if settings.EMBEDDED_DATABASE or settings.EMBEDDED_REDIS:
        SERVICES.ensure_running()
