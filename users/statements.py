"""What is asked of members in every request."""

from django.db.models import QuerySet

from core.db.statements import statement
from users.models import User


@statement
def member(*, user_id: int) -> "QuerySet[User, int]":
    """The id itself where it is a member's."""
    return User.objects.filter(pk=user_id).values_list("pk", flat=True)
