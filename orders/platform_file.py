"""The data platform's file: the events that it was told, one JSON object a line."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from core.db.restore import Unsafe

# More than any event has: what has no lines, such as a device, is not read into memory.
MAX_LINE_BYTES = 4 * 1024 * 1024


class Event(NamedTuple):
    """An event as the platform has it, and which line it is, in words."""

    id: str
    body: Mapping[str, Any]
    place: str


def events_in(file: Path) -> Iterator[Event]:
    """The events in the file, of any type, also such as the shop never sent.

    Raises Unsafe where the file cannot be read, or where a line is no event.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(partial(lines.readline, MAX_LINE_BYTES), b""), start=1):
                place = f"line {number} of {file}"
                with understanding(place):
                    body = json.loads(line)
                    event = Event(str(body["id"]), body, place)
                yield event
    except OSError as error:
        raise Unsafe(str(error)) from error


@contextmanager
def understanding(place: str) -> Iterator[None]:
    """Raises Unsafe for whatever goes wrong in the block with a line of another form."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise Unsafe(f"{place} is no event of an order") from error
