"""Reading members, which every request does in its first message."""

from typing import TypeVar

from django.db.models import QuerySet

from core.db.exchange import Bound, send
from core.db.statements import statement
from core.problems import NotRegistered
from users.models import User

A = TypeVar("A")


@statement
def member(*, user_id: int) -> "QuerySet[User, int]":
    """The id itself if a member has it."""
    return User.objects.filter(pk=user_id).values_list("pk", flat=True)


def read_for_member(asked: Bound[A], *, user_id: int) -> A:
    """A statement's answer; looks the caller up in the same message. Raises NotRegistered."""
    members, answer = send(member(user_id=user_id), asked)
    if not members:
        raise NotRegistered
    found: A = answer
    return found
