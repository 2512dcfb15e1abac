"""Reading members."""

import re

from django.db.models import BigIntegerField

from users.models import User

_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


def registered_user(*, user_id: str) -> User | None:
    """The member whose id the header spells; None for any other spelling and for nobody."""
    if not _USER_ID.fullmatch(user_id) or int(user_id) > BigIntegerField.MAX_BIGINT:
        return None
    return User.objects.filter(pk=int(user_id)).first()
