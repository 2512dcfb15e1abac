"""The Idempotency-Key of a request, and the request it was first sent with."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import IntegrityError
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from core.input_errors import InputError, Invalid
from core.problems import IdempotencyKeyReused, Problem

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    OpenApiParameter.HEADER,
    examples=[OpenApiExample("A key", "order-7c9e6679")],
    description="Send the same key and body again to get the first answer again instead of a second effect.",
)
IDEMPOTENT_REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    {"type": "string", "enum": ["true"]},
    OpenApiParameter.HEADER,
    response=[201],
    description="This is the answer that an earlier request with the same key got.",
)

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


@dataclass(frozen=True)
class Claim:
    """A key and the hash of the body it came with; the row that the request makes stores both."""

    key: str
    request_hash: str

    def check(self, *, first_hash: str | None) -> None:
        """Raise IdempotencyKeyReused unless the first request's body was equal, as a JSON value."""
        if first_hash != self.request_hash:
            raise IdempotencyKeyReused


def claim_of(request: Request) -> Claim | None:
    """The claim a request makes; None without the header. Raises Invalid for a header out of bounds."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid(errors=[InputError("header", "Idempotency-Key", "idempotency_key")])
    canonical = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return Claim(key, hashlib.sha256(canonical.encode()).hexdigest())


T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The row a request made, and whether an earlier request with the same key made it."""

    made: T
    replayed: bool

    @property
    def headers(self) -> dict[str, str]:
        """The header that tells a replayed answer from a first one."""
        return {"Idempotent-Replayed": "true"} if self.replayed else {}


def once(*, claim: Claim | None, work: Callable[[], T], find: Callable[[Claim], T | None]) -> Outcome[T]:
    """Do the work, or find what its twin with the same key made.

    The work's own unique key is the claim, so nothing is looked up on the way to success; but before a
    refusal counts the key is looked up, for the first request may be the one that took the last unit.
    Raises what the work raises, or IdempotencyKeyReused.
    """
    try:
        return Outcome(work(), replayed=False)
    except (Problem, IntegrityError):
        first = find(claim) if claim else None
        if first is None:
            raise
        return Outcome(first, replayed=True)
