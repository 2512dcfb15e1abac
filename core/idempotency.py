"""Idempotency keys: a request repeated with its key has its effect once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import IntegrityError

from core.problems import IdempotencyKeyReused, Problem

T = TypeVar("T")


@dataclass(frozen=True)
class IdempotencyKey:
    """A key and the hash of the body it came with; the row that the request makes stores both."""

    key: str
    request_hash: str

    def check(self, *, first_hash: str | None) -> None:
        """Raise IdempotencyKeyReused unless the first request's body was equal, as a JSON value."""
        if first_hash != self.request_hash:
            raise IdempotencyKeyReused


@dataclass(frozen=True)
class Idempotent(Generic[T]):
    """What a request made, and whether an earlier request with the same key made it."""

    instance: T
    replayed: bool


def run_idempotently(
    *,
    key: IdempotencyKey | None,
    create: Callable[[], T],
    find_existing: Callable[[IdempotencyKey], T | None],
) -> Idempotent[T]:
    """Create, or find what an earlier request with the same key created.

    The row's unique key is the claim, so nothing is looked up on the way to success; but before a refusal
    counts the key is looked up, for the first request may be the one that took the last unit.
    Raises what `create` raises, or IdempotencyKeyReused.
    """
    try:
        return Idempotent(create(), replayed=False)
    except (Problem, IntegrityError):
        existing = find_existing(key) if key else None
        if existing is None:
            raise
        return Idempotent(existing, replayed=True)
