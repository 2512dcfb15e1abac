"""What the shop stands on, and what is well: the database decides, Redis may be away."""

from collections.abc import Callable
from typing import Any

import structlog
from celery import current_app
from django.core.cache import cache

from core.db.primary import takes_writes

OK, DOWN = "ok", "down"

log = structlog.get_logger(__name__)


def check_all() -> dict[str, str]:
    """Each dependency's state in one word; reasons go to the log, as they may hold addresses."""
    checks: dict[str, Callable[[], Any]] = {
        "database": _check_database,
        "broker": _check_broker,
        "cache": lambda: cache.get("readiness"),
    }
    states = dict.fromkeys(checks, OK)
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 - drivers raise many kinds; each means that it cannot be used now
            log.warning("dependency_down", dependency=name, error=str(error))
            states[name] = DOWN
    return states


def _check_database() -> None:
    if not takes_writes():
        raise ConnectionError("the database takes no writes")


def _check_broker() -> None:
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel  # kombu's for Redis
        channel.client.ping()
