"""Who may do anything at all."""

from collections.abc import Sequence

from api.problems import NotRegistered
from users.problems import CHALLENGE


def require_member(found: Sequence[object]) -> None:
    """Raise NotRegistered where the look for the caller found no row."""
    if not found:
        raise NotRegistered(headers={"WWW-Authenticate": CHALLENGE})
