"""A ranking kept for RANKING_CACHE_SECONDS; without Redis it is simply computed each time."""

import time
from collections.abc import Callable

from django.core.cache import cache

from api.breaker import Breaker
from rankings.selectors import Ranking

KEY = "ranking"
LOCK = "ranking:computing"
LOCK_SECONDS = 10
POLL_SECONDS = 0.02

_redis = Breaker(name="the ranking", seconds=5)

_Kept = tuple[Ranking, float]


def cached(compute: Callable[[], Ranking], *, seconds: int) -> Ranking:
    """The ranking, at most `seconds` old, or older while one caller computes the next; 0 always computes."""
    if seconds == 0:
        return compute()
    return _redis.ask(lambda: _kept_or_computed(compute, seconds), otherwise=compute)


def _kept_or_computed(compute: Callable[[], Ranking], seconds: int) -> Ranking:
    give_up = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < give_up:
        kept: _Kept | None = cache.get(KEY)
        if kept and time.time() < kept[1]:
            return kept[0]
        if cache.add(LOCK, 1, LOCK_SECONDS):
            return _compute_and_keep(compute, seconds)
        if kept:
            return kept[0]
        time.sleep(POLL_SECONDS)
    return compute()


def _compute_and_keep(compute: Callable[[], Ranking], seconds: int) -> Ranking:
    try:
        ranking = compute()
        cache.set(KEY, (ranking, time.time() + seconds), timeout=seconds + LOCK_SECONDS)
        return ranking
    finally:
        cache.delete(LOCK)
