"""The first row of a file: which column holds which field."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.cells import spellings, stripped


def field_of(model: type[Model], name: str) -> Any:
    """A field of a model."""
    return model._meta.get_field(name)  # noqa: SLF001 - documented API


def label(model: type[Model], name: str) -> str:
    """What a field's column is called in the reader's language: as in the admin, and `id` everywhere."""
    return "id" if name == "id" else str(field_of(model, name).verbose_name)


def named(
    headers: Sequence[Any], *, model: type[Model], known: Sequence[str], required: Sequence[str]
) -> list[str | None]:
    """The field of each column, None for an empty heading.

    A heading is a field's name, or its label in any of the shop's languages. Raises ValidationError for one
    that is none, that comes twice, or that is missing.
    """
    spelt = {word: name for name in known for word in _spellings(model, name)}
    words = [_word(header) for header in headers]
    unknown = [
        _shown(header) for header, word in zip(headers, words, strict=True) if word and word not in spelt
    ]
    found = [spelt.get(word) for word in words]
    _refuse(_("The file has columns that are unknown here: %(names)s."), unknown)
    names = [name for name in found if name]
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    _refuse(_("The file has these columns twice: %(names)s."), [label(model, name) for name in repeated])
    missing = [label(model, name) for name in required if name not in names]
    _refuse(_("The file lacks these columns: %(names)s."), missing)
    return found


def _spellings(model: type[Model], name: str) -> set[str]:
    if name == "id":
        return {name}
    return {name, *spellings(field_of(model, name).verbose_name)}


def _word(header: Any) -> str:
    return "" if header is None else stripped(unicodedata.normalize("NFC", str(header))).casefold()


def _shown(header: Any) -> str:
    return stripped(str(header))[:40]


def _refuse(text: Any, names: Sequence[str]) -> None:
    if names:
        raise ValidationError(text, params={"names": ", ".join(names)})
