"""What the admin's log says of an action, beyond the names of the fields it changed."""

import json
from typing import Any

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext

DETAIL = "detail"


def log_detail(text: str, **values: Any) -> dict[str, Any]:
    """A part of a log entry: a translatable text with {names} in it, and what they stand for."""
    return {DETAIL: {"text": text, "values": values}}


def describe(entry: LogEntry) -> str:
    """What an entry says, in the reader's language."""
    try:
        parts = json.loads(entry.change_message)
    except ValueError:
        parts = []
    details = [part[DETAIL] for part in parts if DETAIL in part] if isinstance(parts, list) else []
    # Without a part that Django knows it would say that nothing was changed.
    plain = [] if details and len(details) == len(parts) else [str(entry.get_change_message())]
    told = [(each["text"], each["values"]) for each in details]
    return " ".join([*plain, *(gettext(text).format(**values) for text, values in told)])
