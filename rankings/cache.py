"""A ranking kept for RANKING_CACHE_SECONDS; without Redis it is simply computed each time."""

from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.db.models import BigIntegerField

from core.circuit_breaker import CircuitBreaker
from core.db.exchange import send_one
from core.db.replica import read_from_replica
from core.timestamps import SUPPORTED_PERIOD
from products.services import offers
from rankings.selectors import BestSeller, Ranking, best_sellers

KEY = "ranking:v3"

_redis = CircuitBreaker(name="the ranking")


def best_sellers_kept(*, days: int, size: int, seconds: int) -> Ranking:
    """The best sellers, their sales at most `seconds` old; 0 always computes.

    Requests that miss at once all compute: that takes PostgreSQL 0.6 to 3 ms each (benchmarks/README.md), too
    little for a lock.
    """
    kept = _redis.call(lambda: cache.get(KEY), fallback=lambda: None) if seconds else None
    terms = [days, size, seconds]
    if sales := _kept_sales(kept, terms=terms):
        return _with_products(*sales)
    ranking = read_from_replica(lambda: best_sellers(days=days, size=size))
    if seconds:
        _redis.call(
            lambda: cache.set(KEY, _to_json(ranking, terms=terms), timeout=seconds), fallback=lambda: None
        )
    return ranking


def forget() -> None:
    _redis.call(lambda: cache.delete(KEY), fallback=lambda: False)


def _to_json(ranking: Ranking, *, terms: list[int]) -> dict[str, Any]:
    # Without the products, which are read at each answer.
    rows = [(best.product_id, best.units, best.amount) for best in ranking.best_sellers]
    of = {"from": ranking.from_at.isoformat(), "to": ranking.to_at.isoformat()}
    return {**of, "terms": terms, "rows": rows}


def _kept_sales(
    kept: Any, *, terms: list[int]
) -> tuple[datetime, datetime, list[tuple[int, int, int]]] | None:
    # Other settings, another version or another program may have written it.
    try:
        if kept["terms"] != terms:
            return None
        rows = [(int(product_id), int(units), int(amount)) for product_id, units, amount in kept["rows"]]
        from_at, to_at = (datetime.fromisoformat(kept[name]).astimezone(UTC) for name in ("from", "to"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    first, last = SUPPORTED_PERIOD
    if not first <= from_at <= to_at <= last:
        return None
    return from_at, to_at, [row for row in rows if 0 < row[0] <= BigIntegerField.MAX_BIGINT]


def _with_products(from_at: datetime, to_at: datetime, rows: list[tuple[int, int, int]]) -> Ranking:
    offered = send_one(offers(product_ids=[product_id for product_id, *_sold in rows]))
    products = {each.id: each for each in offered}
    best = [
        BestSeller(rank, each.id, units, amount, name=each.name, price=each.price, stock=each.stock)
        for rank, (product_id, units, amount) in enumerate(rows, start=1)
        if (each := products.get(product_id))
    ]
    return Ranking(from_at, to_at, best)
