"""Idempotency keys: a request repeated with its key has its effect once.

The row that the request makes claims its key by a unique constraint, so nothing is looked up on the way to
success. Before a refusal counts the key is looked up, for the first request may be the one that took the
last unit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import IntegrityError

from core.problems import IdempotencyKeyReused, Problem, Unavailable

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
    """The row that a request made, and whether an earlier request with the same key made it."""

    instance: T
    replayed: bool


def once(
    make: Callable[[], T], *, key: IdempotencyKey | None, made_with: Callable[[IdempotencyKey], T | None]
) -> Idempotent[T]:
    """What `make` returns or, where it fails, what an earlier request with the key made.

    Raises what `make` raises if there is none, and what `made_with` raises.
    """
    try:
        return Idempotent(make(), replayed=False)
    except Unavailable:
        raise  # no database to look it up in; a later repeat finds out
    except (Problem, IntegrityError):
        existing = made_with(key) if key else None
        if existing is None:
            raise
        return Idempotent(existing, replayed=True)
