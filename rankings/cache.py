"""A ranking kept for RANKING_CACHE_SECONDS; without Redis it is simply computed each time."""

from datetime import datetime
from typing import Any

from django.core.cache import cache

from core.circuit_breaker import CircuitBreaker
from core.db.exchange import send_one
from products.services import offers
from rankings.selectors import BestSeller, Ranking, best_sellers

KEY = "ranking:v3"

_redis = CircuitBreaker(name="the ranking", seconds=5)


def best_sellers_kept(*, days: int, size: int, seconds: int) -> Ranking:
    """The best sellers, their sales at most `seconds` old; 0 always computes.


def forget() -> None:
    """Compute it the next time; without Redis nothing is kept."""
    _redis.call(lambda: cache.delete(KEY), fallback=lambda: False)


def _kept_or_computed(compute: Callable[[], Ranking], seconds: int) -> Ranking:
    """As `cache.get_or_set`, by which all who miss would compute at once: here one does, the others wait."""
    give_up_at = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < give_up_at:
        if isinstance(kept := cache.get(KEY), dict):
            return _from_json(kept)
        # Left to expire, before the ranking: freed at once, a caller who has just missed would compute too.
        if cache.add(LOCK, 1, min(LOCK_SECONDS, seconds)):
            try:
                ranking = compute()
            except BaseException:
                cache.delete(LOCK)  # the next caller need not wait for its end
                raise
            cache.set(KEY, _to_json(ranking), timeout=seconds)
            return ranking
        time.sleep(POLL_SECONDS)
    return compute()


def _to_json(ranking: Ranking) -> dict[str, Any]:
    """The ranking as JSON can hold it, without the products: those are shown as they stand now."""
    rows = [(best.product_id, best.units, best.amount) for best in ranking.best_sellers]
    return {"from": ranking.from_at.isoformat(), "to": ranking.to_at.isoformat(), "rows": rows}


def _from_json(kept: dict[str, Any]) -> Ranking:
    offered = send_one(offers(product_ids=[product_id for product_id, *_sold in kept["rows"]]))
    products = {each.id: each[1:] for each in offered}
    best = [
        BestSeller(rank, product_id, units, amount, *products[product_id])
        for rank, (product_id, units, amount) in enumerate(kept["rows"], start=1)
        if product_id in products
    ]
    return Ranking(datetime.fromisoformat(kept["from"]), datetime.fromisoformat(kept["to"]), best)
