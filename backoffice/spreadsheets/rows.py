"""A row of a file on its way into a table."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError


@dataclass
class Row:
    """What a row of a file holds, the row of the table that it is about, and what is wrong with it."""

    number: int
    cells: dict[str, Any]
    # Both by the name of the column.
    values: dict[str, Any] = field(default_factory=dict)
    # By the label of the column, "" for the row as a whole.
    errors: dict[str, list[str]] = field(default_factory=dict)
    # The row of the table with this id, if there is one, and what the file makes of it.
    stored: Any = None
    new: Any = None

    @property
    def row_id(self) -> int | None:
        """The id that the file gives, if any."""
        return self.values.get("id")

    @cached_property
    def changes(self) -> dict[str, Any]:
        """The fields to write, with their values."""
        if self.stored is None:
            return {name: value for name, value in self.values.items() if value is not None}
        new = {name: getattr(self.new, name) for name in self.values}
        return {name: value for name, value in new.items() if value != getattr(self.stored, name)}

    @property
    def kind(self) -> str:
        """`new`, `changed` or `unchanged`."""
        if self.stored is None:
            return "new"
        return "changed" if self.changes else "unchanged"

    def refuse(self, label: str, error: "ValidationError | str") -> None:
        """Add an error to a column, or to the row as a whole where the label is empty."""
        messages = error.messages if isinstance(error, ValidationError) else [error]
        self.errors.setdefault(label, []).extend(str(each) for each in messages)
