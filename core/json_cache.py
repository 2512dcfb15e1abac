"""What the cache keeps in Redis: JSON, so that nothing found there can run."""

import json
from typing import Any


class JSONSerializer:
    """Django's cache serializer; what cannot be read counts as not there."""

    def dumps(self, value: Any) -> int | str:
        """The value as Redis keeps it; integers plain, so that Redis can count."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, data: bytes) -> Any:
        """The value, or None."""
        try:
            return json.loads(data)
        except ValueError:
            return None
