"""Reading members."""

import re

from django.db.models import BigIntegerField

_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def parse_user_id(*, text: str) -> int | None:
    """The id that a header spells; None for any other spelling, and for an id that no row can have."""
    if not _USER_ID.fullmatch(text) or int(text) > BigIntegerField.MAX_BIGINT:
        return None
    return int(text)
