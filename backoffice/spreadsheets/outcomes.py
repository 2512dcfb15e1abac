"""What a file would do, or did."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils.html import format_html
from import_export.results import InvalidRow, Result, RowResult

from backoffice.spreadsheets.rows import Line, Plan

if TYPE_CHECKING:
    from backoffice.spreadsheets.reading import Reader

# Up to here a preview shows each row that changes, and the log gets an entry for each.
MOST_SHOWN = 10_000
MOST_WRONG = 100


class Outcome(Result):
    """Totals always; the rows where they are few enough to be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.sheet = ""
        self.notices: list[str] = []

    @property
    def summary(self) -> str:
        """How many rows are new, changed and as they were; a confirmed import does just that, or nothing."""
        return "-".join(str(self.totals[kind]) for kind in ("new", "update", "skip"))

    @property
    def shown_totals(self) -> dict[str, str]:
        """The same as people read it."""
        return {kind: f"{self.totals[kind]:,}" for kind in ("new", "update", "skip")}

    @property
    def in_bulk(self) -> bool:
        """Whether there are too many rows to show them."""
        return int(self.total_rows) > MOST_SHOWN

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that reading on would help nobody."""
        return len(self.invalid_rows) >= MOST_WRONG

    @property
    def fails(self) -> bool:
        """Whether nothing may be written."""
        return bool(self.has_errors() or self.has_validation_errors())

    def add(self, lines: Sequence[Line], plan: Plan, reader: "Reader") -> None:
        """Take lines in."""
        right = [line for line in lines if not line.errors]
        for line, kind in zip(right, plan.add(right), strict=True):
            self._accept(kind, line, reader)
        for line in lines:
            if line.errors:
                self._refuse(line, reader)

    def _accept(self, kind: str, line: Line, reader: "Reader") -> None:
        self.total_rows += 1
        self.totals[kind] += 1
        if self.in_bulk:
            self.rows.clear()
        elif kind != "skip":
            self.rows.append(_shown(kind, line, reader))

    def _refuse(self, line: Line, reader: "Reader") -> None:
        self.total_rows += 1
        if not self.is_full:
            self.totals["invalid"] += 1
            values = [line.cells.get(name, "") for name in reader.read_fields]
            self.invalid_rows.append(InvalidRow(line.number, ValidationError(line.errors), values))


def _shown(kind: str, line: Line, reader: "Reader") -> RowResult:
    row = RowResult()
    row.import_type = kind
    row.diff = [_difference(line, name, reader.cells[name]) for name in reader.read_fields]
    return row


def _difference(line: Line, name: str, cell: Any) -> str:
    """A cell of the preview: what it was, where it changes, and what it will be."""
    after = cell.show(getattr(line.after, name), typed=False)
    if line.original is None:
        return str(after if line.said.get(name) is not None else "")
    before = cell.show(getattr(line.original, name), typed=False)
    return str(after) if before == after else format_html("<del>{}</del> → <ins>{}</ins>", before, after)
