"""A row of a file on its way into a table."""

from collections.abc import Collection, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model

from backoffice.spreadsheets import notes
from backoffice.spreadsheets.headings import field_of

T = TypeVar("T")


@dataclass
class Line:
    """What a row says, what is there already, and what is wrong with it by the label of the column."""

    number: int
    cells: dict[str, Any]
    said: dict[str, Any]
    errors: dict[str, list[str]]
    original: Any = None
    after: Any = None

    @property
    def row_id(self) -> int | None:
        """The id that it gives."""
        return self.said.get("id")

    def meet(self, original: Model | None, model: type[Model], *, kept: tuple[str, ...]) -> None:
        """See what the row makes of what is there, which keeps what is `kept`."""
        self.original = original
        self.after = copy(original) if original else model()
        for name, value in self.said.items():
            if original and (name in kept or value == _as_brought_in(original, name)):
                continue
            setattr(self.after, name, value)

    def says_otherwise(self, names: tuple[str, ...]) -> bool:
        """Whether it gives something that is there another value for any of these."""
        return bool(self.original) and any(
            self.said.get(name) not in {None, getattr(self.original, name)} for name in names
        )

    def changes(self) -> dict[str, Any]:
        """The fields to be written, with their values."""
        if self.original is None:
            return {name: value for name, value in self.said.items() if value is not None}
        return {
            name: getattr(self.after, name)
            for name in self.said
            if getattr(self.after, name) != getattr(self.original, name)
        }

    def refuse(self, label: str, error: "ValidationError | str") -> None:
        """Note what is wrong, with the row as a whole where there is no label."""
        said = error.messages if isinstance(error, ValidationError) else [error]
        self.errors.setdefault(label or "__all__", []).extend(str(each) for each in said)


class Plan:
    """What a file changes, noted until all of it is known to be right; a preview needs to note nothing."""

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept
        self.added = 0
        self.changed = 0
        self.highest_new_id = 0

    def add(self, lines: Sequence[Line]) -> list[str]:
        """Take lines in; their import types as django-import-export names them."""
        new = {line.number: line.changes() for line in lines if line.original is None}
        there = {line.original.pk: line.changes() for line in lines if line.original is not None}
        changed = {pk: changes for pk, changes in there.items() if changes}
        if self.kept:
            notes.plan(kind="new", changes=new)
            notes.plan(kind="update", changes=changed)
        self.added += len(new)
        self.changed += len(changed)
        self.highest_new_id = max([self.highest_new_id, *(row.get("id", 0) for row in new.values())])
        return [_import_type(line, changed) for line in lines]

    def inserts(self, *, size: int) -> Iterator[list[notes.Changes]]:
        """The rows that are new, in the file's order."""
        for changes in notes.planned(kind="new", size=size):
            yield [*changes.values()]

    def updates(self, *, size: int) -> Iterator[dict[int, notes.Changes]]:
        """What changes in rows that are there, by ascending id."""
        return notes.planned(kind="update", size=size)

    def updated_ids(self, *, size: int) -> Iterator[list[int]]:
        """Their ids alone."""
        return notes.planned_keys(kind="update", size=size)


def _as_brought_in(row: Model, name: str) -> Any:
    """What a file that has a row's value comes to: SQL may have put it there with blanks around."""
    return field_of(type(row), name).to_python(getattr(row, name))


def _import_type(line: Line, changed: Collection[int]) -> str:
    if line.original is None:
        return "new"
    return "update" if line.original.pk in changed else "skip"


def portions(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """The rows, `size` at a time."""
    while portion := list(islice(rows, size)):
        yield portion
