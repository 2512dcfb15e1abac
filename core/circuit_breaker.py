"""Leaving a service alone for a while after it failed."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from core.metrics import REDIS_FALLBACKS

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Breaker:
    """Asks Redis, or answers without it: after a failure it is not asked again for `seconds`.

    A Redis that is mute then costs one request its time-out, and the next ones nothing.
    """

    def __init__(self, *, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds
        self.asks_again_at = 0.0

    def ask(self, question: Callable[[], T], *, otherwise: Callable[[], T]) -> T:
        """What Redis says, or what `otherwise` says while it cannot be asked."""
        if time.monotonic() < self.asks_again_at:
            return self._without(otherwise)
        try:
            return question()
        except RedisError as error:
            self.asks_again_at = time.monotonic() + self.seconds
            log.warning("redis_left_alone", used_for=self.name, seconds=self.seconds, error=str(error))
            return self._without(otherwise)

    def _without(self, otherwise: Callable[[], T]) -> T:
        REDIS_FALLBACKS.labels(self.name).inc()
        return otherwise()
