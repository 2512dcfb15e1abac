"""What a file would do, or did."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html

from backoffice.spreadsheets.columns import Column
from backoffice.spreadsheets.rows import Row

# Up to here a preview shows each row that changes, and the log gets an entry for each.
MAX_SHOWN_ROWS = 10_000
MAX_INVALID_ROWS = 100


@dataclass(frozen=True)
class PreviewRow:
    """A row that is new or changes, cell by cell as the preview shows it."""

    is_new: bool
    cells: Sequence[str]


@dataclass(frozen=True)
class InvalidRow:
    """A row with its errors by column, the row's as a whole last, and its cells as the file has them."""

    number: int
    errors: dict[str, list[str]]
    cells: Sequence[Any]


@dataclass
class ImportResult:
    """Counts always; rows where they are few enough to be looked at."""

    sheet: str = ""
    notices: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    # Of the file as a whole.
    errors: list[str] = field(default_factory=list)
    invalid_rows: list[InvalidRow] = field(default_factory=list)
    rows: list[PreviewRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def summary(self) -> str:
        """How many rows are new, changed and unchanged; a confirmed import does just that, or nothing."""
        return "-".join(str(self.counts[kind]) for kind in ("new", "changed", "unchanged"))

    @property
    def formatted_counts(self) -> dict[str, str]:
        """The same as people read it."""
        return {kind: f"{self.counts[kind]:,}" for kind in ("new", "changed", "unchanged")}

    @property
    def in_bulk(self) -> bool:
        """Whether there are too many rows to show them."""
        return self.counts.total() > MAX_SHOWN_ROWS

    @property
    def is_full(self) -> bool:
        """Whether so many rows are invalid that reading on would help nobody."""
        return len(self.invalid_rows) >= MAX_INVALID_ROWS

    @property
    def fails(self) -> bool:
        """Whether nothing may be written."""
        return bool(self.errors or self.invalid_rows)

    def add(self, row: Row, columns: Iterable[Column]) -> None:
        """Count a row, and keep what is shown of it."""
        self.counts["invalid" if row.errors else row.kind] += 1
        if row.errors:
            if not self.is_full:
                errors = dict(sorted(row.errors.items(), key=lambda each: not each[0]))
                cells = [row.cells.get(column.name, "") for column in columns]
                self.invalid_rows.append(InvalidRow(row.number, errors, cells))
        elif self.in_bulk:
            self.rows.clear()
        elif row.kind != "unchanged":
            cells = [_difference(row, column) for column in columns]
            self.rows.append(PreviewRow(is_new=row.kind == "new", cells=cells))


def _difference(row: Row, column: Column) -> str:
    """What a cell was, where it changes, and what it will be."""
    after = column.cell.show(getattr(row.new, column.name), typed=False)
    if row.stored is None:
        return str(after if row.values.get(column.name) is not None else "")
    before = column.cell.show(getattr(row.stored, column.name), typed=False)
    return str(after) if before == after else format_html("<del>{}</del> → <ins>{}</ins>", before, after)
