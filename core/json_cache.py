"""Serializer of the cache: JSON, so that no value from Redis can run code."""

import json
from typing import Any


class JSONSerializer:
    """A Django cache serializer; an unreadable value counts as missing."""

    def dumps(self, value: Any) -> int | str:
        # Integers stay plain, so that Redis can count.
        return value if type(value) is int else json.dumps(value)

    def loads(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None
