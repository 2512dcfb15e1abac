"""Validating a file's rows, against each other and against what is stored."""

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from backoffice.spreadsheets.checks import violations
from backoffice.spreadsheets.columns import Column, Spreadsheet
from backoffice.spreadsheets.rows import Row
from backoffice.spreadsheets.staging import first_occurrences


class RowValidator:
    """Goes through a file's rows once, batch by batch, within `staging_tables`."""

    def __init__(self, *, spreadsheet: Spreadsheet, columns: Sequence[Column | None]) -> None:
        self.spreadsheet = spreadsheet
        self.manager: Any = spreadsheet.model._default_manager  # noqa: SLF001 - documented API
        self.names = [column.name if column else None for column in columns]
        self.columns = {
            column.name: column
            for column in spreadsheet.columns()
            if column.name in self.names and column.name not in spreadsheet.read_only
        }
        self.ignored_changes = 0

    def validate(self, file_rows: Iterable[tuple[int, Sequence[Any]]]) -> list[Row]:
        """Read the next rows of the file, each with its number; compare them with what is stored."""
        rows = [self._read(number, cells) for number, cells in file_rows]
        stored = self.manager.in_bulk([row.row_id for row in rows if row.row_id])
        for row in rows:
            self._compare(row, stored.get(row.row_id))
            self._check_required(row)
            self.spreadsheet.check(row)
        self._check_ids(rows)
        if self.spreadsheet.unique_names:
            self._check_names(rows)
        valid = [row for row in rows if not row.errors]
        for place, errors in violations(rows=[row.new for row in valid]).items():
            for error in errors:
                valid[place].refuse("", error)
        return rows

    def _read(self, number: int, cells: Sequence[Any]) -> Row:
        # A row may be shorter than the headings, or have cells beyond them.
        row = Row(number, {name: cell for name, cell in zip(self.names, cells, strict=False) if name})
        extra = [*cells[len(self.names) :], *(c for n, c in zip(self.names, cells, strict=False) if not n)]
        if any(cell not in (None, "") for cell in extra):
            row.refuse("", _("This row has more cells than the file has columns."))
        for name, column in self.columns.items():
            try:
                value = column.cell.clean(row.cells.get(name))
                row.values[name] = value if value is None else column.field.clean(value, None)
            except ValidationError as error:
                row.refuse(column.label, error)
        return row

    def _compare(self, row: Row, stored: Model | None) -> None:
        """Set what the file makes of a stored row, or of none."""
        row.stored, row.new = stored, copy(stored) if stored else self.spreadsheet.model()
        is_ignored = False
        for name, value in row.values.items():
            if stored is None:
                setattr(row.new, name, value)
            elif name in self.spreadsheet.read_only_once_created:
                is_ignored |= value not in {None, getattr(stored, name)}
            # SQL may have stored blanks around a text, which an import drops: that is no change.
            elif value != self.columns[name].field.to_python(getattr(stored, name)):
                setattr(row.new, name, value)
        self.ignored_changes += is_ignored

    def _check_required(self, row: Row) -> None:
        for name, column in self.columns.items():
            is_required = name != "id" and not column.field.null
            if is_required and name in row.values and getattr(row.new, name) is None:
                row.refuse(column.label, _("This cell is empty."))

    def _check_ids(self, rows: Sequence[Row]) -> None:
        with_id = [row for row in rows if row.row_id]
        first = first_occurrences(kind="id", values=[(str(row.row_id), row.number) for row in with_id])
        for row in with_id:
            if (above := first[str(row.row_id)]) != row.number:
                row.refuse("id", _("Row %(row)s has the same id.") % {"row": above})

    def _check_names(self, rows: Sequence[Row]) -> None:
        """Refuse rows without an id whose name is stored already, or above in the file."""
        new = [row for row in rows if not row.row_id and row.values.get("name")]
        named = self.manager.filter(name__in={row.values["name"] for row in new})
        stored = dict(named.order_by("-pk").values_list("name", "pk"))
        first = first_occurrences(kind="name", values=[(row.values["name"], row.number) for row in new])
        for row in new:
            name, label = row.values["name"], self.columns["name"].label
            if name in stored:
                row.refuse(
                    label,
                    _("“%(name)s” is there already. To change it, give its id: %(id)s.")
                    % {"name": name, "id": stored[name]},
                )
            elif (above := first[name]) != row.number:
                row.refuse(label, _("Row %(row)s has the same name.") % {"row": above})
