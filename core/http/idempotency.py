"""The Idempotency-Key header: reading it, describing it, and saying that an answer is a replay."""

import hashlib
import json
import re
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from core.idempotency import IdempotencyKey, Idempotent
from core.problems import InputError, Invalid

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


def idempotency_key(request: Request) -> IdempotencyKey | None:
    """The key of a request and the hash of its body as a JSON value; None without the header.

    Raises Invalid for a header out of bounds.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid(errors=[InputError("header", "Idempotency-Key", "idempotency_key")])
    canonical = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return IdempotencyKey(key, hashlib.sha256(canonical.encode()).hexdigest())


def replay_headers(outcome: Idempotent[Any]) -> dict[str, str]:
    return {"Idempotent-Replayed": "true"} if outcome.replayed else {}
