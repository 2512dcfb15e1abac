"""Leaving a service alone for a while after it failed."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from core.metrics import REDIS_FALLBACKS

log = structlog.get_logger(__name__)

T = TypeVar("T")

PAUSE_SECONDS = 5


class CircuitBreaker:
    """Calls Redis, or a fallback: after a failure it is not called again for PAUSE_SECONDS.

    So an unresponsive Redis delays one request by its time-out, and the next ones not at all.
    """

    def __init__(self, *, name: str) -> None:
        self.name = name
        self.open_until = 0.0

    def call(self, fn: Callable[[], T], *, fallback: Callable[[], T]) -> T:
        """The result of `fn`, which may raise RedisError, or of `fallback` while Redis is unavailable."""
        if time.monotonic() >= self.open_until:
            try:
                return fn()
            except RedisError as error:
                self.open_until = time.monotonic() + PAUSE_SECONDS
                log.warning(
                    "redis_circuit_opened", used_for=self.name, seconds=PAUSE_SECONDS, error=str(error)
                )
        REDIS_FALLBACKS.labels(self.name).inc()
        return fallback()
