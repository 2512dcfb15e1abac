"""A row of a file on its way into a table."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model

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
            if not (original and name in kept):
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


@dataclass
class Plan:
    """What a file changes, kept until all of it is known to be right; a preview needs to keep nothing."""

    kept: bool
    inserts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def add(self, line: Line) -> str:
        """Take a line in; its import type as django-import-export names it."""
        changes = line.changes()
        if line.original is None:
            self.inserts += [changes] * self.kept
            return "new"
        if changes:
            self.updates += [(line.original.pk, changes)] * self.kept
        return "update" if changes else "skip"


def portions(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """The rows, `size` at a time."""
    while portion := list(islice(rows, size)):
        yield portion
