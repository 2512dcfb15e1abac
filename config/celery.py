"""The Celery application: `celery -A config worker -B`."""

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from celery.app import utils
from celery.app.amqp import AMQP
from celery.beat import Scheduler, SchedulingError
from celery.signals import (
    beat_init,
    celeryd_init,
    setup_logging,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from django.conf import settings
from django.db import close_old_connections
from kombu import Connection
from prometheus_client import start_http_server

from config.dotenv import COUNTERS
from config.logs import ADDRESSES
from core import traces
from core.broker import transport  # noqa: F401 - names it to kombu
from core.broker.turning import Turning, touch_worker_file
from core.metrics import counted

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

log = structlog.get_logger(__name__)


class FixedIntervalConnection(Connection):
    """A connection that is tried again every second: kombu's waits grow to half a minute."""

    def ensure_connection(self, *args: Any, callback: Callable[[], None] | None = None, **kwargs: Any) -> Any:
        # The broker that is away may be the embedded one, killed.
        start_embedded_services()

        def show_that_it_turns() -> None:
            if callback:  # a worker's: it ends where it was told to
                callback()
                touch_worker_file()

        show_that_it_turns()
        steady = {"interval_start": 1, "interval_step": 0, "interval_max": 1}
        return super().ensure_connection(*args, **{**steady, **kwargs, "callback": show_that_it_turns})


class FixedIntervalAMQP(AMQP):
    """Celery's messaging over such connections."""

    Connection = FixedIntervalConnection


class FixedIntervalScheduler(Scheduler):
    """Logs once when the broker is lost and once when it is back; Celery's own logs a trace a second."""

    broker_down = False

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._start_over_if_clock_was_set_back()
        wait = super().tick(*args, **kwargs)
        if self.broker_down:
            wait = 1  # second; what failed is due at once
        if settings.BEAT_FILE:
            Path(settings.BEAT_FILE).touch()
        return wait

    def _start_over_if_clock_was_set_back(self) -> None:
        # Otherwise nothing would be sent for as long as the clock was set back.
        entries = [*self.schedule.values()]
        ahead = [each for each in entries if each.last_run_at and each.last_run_at > each.default_now()]
        for each in ahead:
            each.last_run_at = each.default_now()
        if ahead:
            log.warning("clock_set_back")
            self._heap = None  # of times at which entries are due

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            if not self.broker_down:
                log.warning("broker_away", error=str(error))
            self.broker_down = True
            # `tick` has set the entry to its next time already, which may be tomorrow.
            self.schedule[entry.name] = entry
            self._heap = None
            return
        if self.broker_down:
            log.warning("broker_back")
        self.broker_down = False


# `celery report` shows every setting of Django, less those by whose names Celery takes them for secrets.
hiding: Any = utils  # the stubs lack it
hiding.HIDDEN_SETTINGS = re.compile(f"{hiding.HIDDEN_SETTINGS.pattern}|{ADDRESSES}", re.IGNORECASE)

app = Celery("pointshop", amqp=FixedIntervalAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(Turning)


@setup_logging.connect
def configure_logging(*, loglevel: int, **_: Any) -> None:
    # Being connected keeps Celery from adding its own handlers, whose lines are neither JSON nor bounded.
    logging.getLogger().setLevel(loglevel)
    # By its name, which forked processes look up; the stubs want a number.
    app.log.redirect_stdouts("WARNING")  # type: ignore[arg-type]


@task_prerun.connect
def drop_dead_connections(**_: Any) -> None:
    # Django does this at the start of a web request; Celery keeps connections without a look at them.
    close_old_connections()


# Not in the settings: what they say holds for beat and commands too, and those show no metrics.
@celeryd_init.connect
def require_counters(**_: Any) -> None:
    if settings.METRICS_PORT and COUNTERS not in os.environ:
        sys.exit(f"METRICS_PORT needs {COUNTERS}, where its processes count")


@celeryd_init.connect
@beat_init.connect
def start_embedded_services(**_: Any) -> None:
    """Keep those that are wanted running while this process lives. Raises EmbeddedServicesUnavailable."""
    from core.embedded.servers import SERVICES  # noqa: PLC0415 - `python -m` of it loads us first

    # A worker or beat reaches for the broker before the database, so nothing else would have started it.
    if settings.EMBEDDED_DATABASE or settings.EMBEDDED_REDIS:
        SERVICES.ensure_running()


@worker_process_init.connect
def start_traces(**_: Any) -> None:
    traces.start("worker")
    traces.trace_tasks()


@worker_process_shutdown.connect
def send_last_traces(**_: Any) -> None:
    # A worker's process ends without running Python's exit handlers.
    traces.stop()


# Not earlier: the processes that do the work are forked by now, without this thread.
@worker_ready.connect
def serve_metrics(**_: Any) -> None:
    if not settings.METRICS_PORT:
        return
    try:
        start_http_server(settings.METRICS_PORT, addr=settings.HOST, registry=counted())
    except OSError as error:
        why = f"METRICS_PORT: nobody can listen on {settings.HOST}, port {settings.METRICS_PORT}"
        log.critical("metrics_port_unusable", why=why, error=str(error))
        raise SystemExit(1) from None  # any Exception Celery's signals would log, and the worker go on
