"""Who may do anything at all."""

from typing import TypeVar

from core.db.exchange import send
from core.db.statements import Bound
from core.problems import NotRegistered
from users.statements import member

A = TypeVar("A")


def require_member(found: object) -> None:
    """Raise NotRegistered where the look for the caller found nothing."""
    if not found:
        raise NotRegistered


def read_for_member(asked: Bound[A], *, user_id: int) -> A:
    """What a statement answers, the caller looked up in the same message. Raises NotRegistered."""
    members, found = send(member(user_id=user_id), asked)
    require_member(members)
    return found
