"""A worker shows that its own loop turns: a health check looks at a file, and asks nothing of the broker."""

from pathlib import Path
from typing import Any

from celery import bootsteps
from django.conf import settings

INTERVAL_SECONDS = 2.0


def touch_worker_file() -> None:
    if settings.WORKER_FILE:
        Path(settings.WORKER_FILE).touch()


class Turning(bootsteps.StartStopStep):
    """While the worker is connected, a timer of its loop touches the file; else connecting does."""

    requires = ("celery.worker.consumer.connection:Connection",)

    timer: Any = None

    def start(self, parent: Any) -> None:
        # Celery calls this after each time that the worker has connected, and `stop` when that is over.
        self.timer = parent.timer.call_repeatedly(INTERVAL_SECONDS, touch_worker_file)

    def stop(self, _parent: Any) -> None:
        if self.timer:
            self.timer.cancel()
