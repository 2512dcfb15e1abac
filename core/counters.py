"""Counting in the cache, atomically and for a while."""

from django.core.cache import BaseCache


def count(counters: BaseCache, key: str, *, seconds: int) -> int:
    """Count one event; how many there are under the key, which is forgotten `seconds` after the first."""
    counters.add(key, 0, timeout=seconds)
    try:
        counted = counters.incr(key)
    except ValueError:  # forgotten between the two
        return 1
    if counted <= 1:
        # Redis makes a key without an end of what expires just before it is changed.
        counters.touch(key, timeout=seconds)
    return counted
