"""Idempotency keys: a request repeated with its key has its effect once.

The row that the request makes claims its key by a unique constraint, so nothing is looked up on the way to
success. Before a refusal counts the key is looked up, for the first request may be the one that took the
last unit.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from core.problems import IdempotencyKeyReused

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
