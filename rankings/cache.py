"""A ranking kept for RANKING_CACHE_SECONDS; without Redis it is simply computed each time."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.cache import cache

import products.selectors
from core.circuit_breaker import CircuitBreaker
from orders.selectors import Sales
from rankings.selectors import BestSeller, Ranking

KEY = "ranking:v2"
FRESH = "ranking:v2:fresh"
LOCK = "ranking:v2:computing"
# Longer than a count of all order lines takes. If who computes dies, one other takes over after this.
LOCK_SECONDS = 3
# Whoever has nothing to show by then computes for themselves: an answer late is better than none.
PATIENCE_SECONDS = 4
POLL_SECONDS = 0.02

_redis = CircuitBreaker(name="the ranking", seconds=5)


def cached(compute: Callable[[], Ranking], *, seconds: int) -> Ranking:
    """The ranking, at most `seconds` old, or older while one caller computes the next; 0 always computes."""
    if seconds == 0:
        return compute()
    return _redis.call(lambda: _kept_or_computed(compute, seconds), fallback=compute)


def _kept_or_computed(compute: Callable[[], Ranking], seconds: int) -> Ranking:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        kept, fresh = _kept()
        if kept and fresh:
            return _from_json(kept)
        if cache.add(LOCK, 1, LOCK_SECONDS):
            return _compute_once(compute, seconds)
        if kept:
            return _from_json(kept)
        time.sleep(POLL_SECONDS)
    return compute()


def _compute_once(compute: Callable[[], Ranking], seconds: int) -> Ranking:
    """Compute and keep it, unless somebody did between our look and our turn."""
    try:
        kept, fresh = _kept()
        if kept and fresh:
            return _from_json(kept)
        ranking = compute()
        cache.set(KEY, _to_json(ranking), timeout=seconds + LOCK_SECONDS)
        cache.set(FRESH, 1, timeout=seconds)
        return ranking
    finally:
        cache.delete(LOCK)


def _kept() -> tuple[dict[str, Any] | None, bool]:
    """What is in the cache, if it is ours, and whether it is fresh, which Redis's clock alone says."""
    found = cache.get_many([KEY, FRESH])
    kept = found.get(KEY)
    return kept if isinstance(kept, dict) else None, FRESH in found


def _to_json(ranking: Ranking) -> dict[str, Any]:
    """The ranking as JSON can hold it."""
    rows = [(best.product_id, best.sales.units, best.sales.amount) for best in ranking.best_sellers]
    return {"from": ranking.from_at.isoformat(), "to": ranking.to_at.isoformat(), "rows": rows}


def _from_json(kept: dict[str, Any]) -> Ranking:
    best = [
        BestSeller(rank, product_id, Sales(units, amount))
        for rank, (product_id, units, amount) in enumerate(kept["rows"], start=1)
    ]
    offers = products.selectors.read_offers(product_ids=[each.product_id for each in best])
    return Ranking(datetime.fromisoformat(kept["from"]), datetime.fromisoformat(kept["to"]), best, offers)
