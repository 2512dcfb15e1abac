"""Names of people and things, as admin and files bring them in, and ids."""

import unicodedata
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

# Something besides white space and what is printed as nothing: joiners, fillers, marks of direction.
_VISIBLE = (
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


class NameField(models.CharField):
    """1–100 characters, trimmed and NFC-normalised on the way in through forms and imports."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return unicodedata.normalize("NFC", text).strip() if isinstance(text, str) else text


def not_blank(*, name: str) -> models.CheckConstraint:
    """Refuses a `name` without a visible character; the parameter names the constraint."""
    return models.CheckConstraint(
        condition=models.Q(name__regex=_VISIBLE), name=name, violation_error_message=_("Enter a name.")
    )


def positive_id(*, name: str) -> models.CheckConstraint:
    """Refuses an `id` below 1, which no URL spells; the parameter names the constraint."""
    return models.CheckConstraint(
        condition=models.Q(id__gte=1), name=name, violation_error_message=_("An id is 1 or more.")
    )
