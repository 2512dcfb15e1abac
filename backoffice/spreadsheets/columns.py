"""The columns of a table's files, and the headings that name them."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.cells import (
    Cell,
    ChoiceCell,
    IdCell,
    IntegerCell,
    TextCell,
    TimestampCell,
    spellings,
    stripped,
)
from backoffice.spreadsheets.rows import Row

CELLS: dict[str, type[Cell]] = {
    "BigAutoField": IdCell,
    "BigIntegerField": IntegerCell,
    "DateTimeField": TimestampCell,
}


@dataclass(frozen=True)
class Column:
    """A field of a model as a file has it; its label is in the reader's language, as in the admin."""

    name: str
    label: str
    field: Any
    cell: Cell

    @classmethod
    def of(cls, model: type[Model], name: str) -> "Column":
        """The column of a field, whose kind says how its cells are read and written."""
        field: Any = model._meta.get_field(name)  # noqa: SLF001 - documented API
        kind = CELLS.get(field.get_internal_type(), TextCell)
        cell = ChoiceCell(field.choices) if field.choices else kind()
        return cls(name, "id" if name == "id" else str(field.verbose_name), field, cell)

    def spellings(self) -> set[str]:
        """The headings that name it: the field's name, and its label in any of the shop's languages."""
        return {self.name} if self.name == "id" else {self.name, *spellings(self.field.verbose_name)}


class Spreadsheet:
    """What the files of a table hold; an app says it of its own by a subclass."""

    model: type[Model]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Exports write these for people to read, imports leave them alone.
    read_only: tuple[str, ...] = ()
    # Imports set these in new rows only; and what the preview says of rows that would change them.
    read_only_once_created: tuple[str, ...] = ()
    ignored_change: "str | Promise" = ""
    # A row without an id that has another's name is refused: it may be the same file a second time.
    unique_names = False

    def columns(self) -> list[Column]:
        """The columns that a file may have, in the order in which exports write them."""
        names = ("id", *self.required, *self.optional, *self.read_only)
        return [Column.of(self.model, name) for name in names]

    def label(self, name: str) -> str:
        """What a column is called in the reader's language, by which a row's errors name it."""
        return Column.of(self.model, name).label

    def match(self, headings: Sequence[Any]) -> list[Column | None]:
        """The column that each heading names, None for an empty heading.

        Raises ValidationError for a heading that names no column or one twice, and for a lacking column.
        """
        columns = self.columns()
        by_spelling = {word: column for column in columns for word in column.spellings()}
        words = [_normalized(heading) for heading in headings]
        found = [by_spelling.get(word) for word in words]
        unknown = [
            stripped(str(heading))[:40]
            for heading, word, column in zip(headings, words, found, strict=True)
            if word and not column
        ]
        _refuse(_("The file has columns that are unknown here: %(names)s."), unknown)
        times = Counter(column.name for column in found if column)
        twice = sorted((column for column in columns if times[column.name] > 1), key=lambda each: each.name)
        _refuse(_("The file has these columns twice: %(names)s."), [each.label for each in twice])
        lacking = [each.label for each in columns if each.name in self.required and not times[each.name]]
        _refuse(_("The file lacks these columns: %(names)s."), lacking)
        return found

    def check(self, row: Row) -> None:
        """Refuse what only this kind of row refuses."""


def _normalized(heading: Any) -> str:
    return "" if heading is None else stripped(unicodedata.normalize("NFC", str(heading))).casefold()


def _refuse(text: Any, names: Iterable[str]) -> None:
    if joined := ", ".join(names):
        raise ValidationError(text, params={"names": joined})
