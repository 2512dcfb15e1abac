"""What the admin's log says of an action, beyond the names of the fields it changed."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.utils import translation

DETAIL = "detail"


def log_detail(text: str, **values: Any) -> dict[str, Any]:
    """A part of a log entry: a translatable text with {names} in it, and what they stand for."""
    return {DETAIL: {"text": text, "values": values}}


def log_changes(*, staff_id: int, rows: Iterable[Model], message: list[dict[str, Any]]) -> None:
    """One entry in the log for each row."""
    LogEntry.objects.log_actions(staff_id, list(rows), CHANGE, message)


def describe(entry: LogEntry) -> str:
    """What an entry says, in the reader's language."""
    parts = _parts(entry)
    details = [_in_words(**part[DETAIL]) for part in parts if DETAIL in part]
    # Without a part that Django knows it would say that nothing was changed.
    plain = [] if details and len(details) == len(parts) else [str(entry.get_change_message())]
    return " ".join([*plain, *details])


def _in_words(text: str, values: dict[str, Any]) -> str:
    return translation.gettext(text).format(**values)


def _parts(entry: LogEntry) -> list[dict[str, Any]]:
    try:
        parts = json.loads(entry.change_message)
    except ValueError:
        return []
    return parts if isinstance(parts, list) else []
