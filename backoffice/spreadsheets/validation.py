"""Validation of a file's rows: their cells, against other rows of the file, and against stored rows."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BigIntegerField, Model
from django.db.models.expressions import DatabaseDefault, RawSQL
from django.utils.translation import gettext as _

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.cells import MAX_NEW_ID, id_out_of_range, read_cell
from backoffice.spreadsheets.columns import Column, Row, Spreadsheet, stripped

VERSION = RawSQL(sql.ROW_VERSION, (), BigIntegerField())  # noqa: S611 - our own text # nosec B611


class RowValidator:
    """Reads a file's rows once, in batches, with the tables of `staging.create_tables`."""

    def __init__(self, *, spreadsheet: Spreadsheet, headings: Sequence[Any]) -> None:
        """Raises ValidationError for unknown, repeated or missing columns."""
        self.spreadsheet = spreadsheet
        self.manager: Any = spreadsheet.model._default_manager  # noqa: SLF001 - documented API
        columns = spreadsheet.import_columns()
        # The column that each heading names, None for an empty heading.
        self.names = _names(headings, columns)
        self.lacking = [
            c.label for c in columns if c.name in spreadsheet.required and c.name not in self.names
        ]
        if self.lacking and "id" not in self.names:
            raise ValidationError(
                _("The file lacks these columns: %(names)s."), params={"names": ", ".join(self.lacking)}
            )
        self.columns = {
            column.name: column
            for column in columns
            if column.name in self.names and column.name not in spreadsheet.read_only
        }
        self.ignored_changes = 0

    def validate(self, file_rows: Iterable[tuple[int, Sequence[Any]]]) -> list[Row]:
        """The next rows of a file, each with its number: none is left out, those refused have errors."""
        rows = [self._read(number, cells) for number, cells in file_rows]
        stored = self.manager.annotate(version=VERSION).in_bulk([row.row_id for row in rows if row.row_id])
        for row in rows:
            self._compare(row, stored.get(row.row_id))
            self.spreadsheet.check(row)
        with_id = [(row, str(row.row_id)) for row in rows if row.row_id]
        self._check_repeated("id", with_id, _("Row %(row)s has the same id."))
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
        surplus = [*cells[len(self.names) :], *(c for n, c in zip(self.names, cells, strict=False) if not n)]
        if any(cell not in (None, "") for cell in surplus):
            row.refuse("", _("This row has more cells than the file has columns."))
        for name, column in self.columns.items():
            try:
                values = row.extra if name in self.spreadsheet.extra_names else row.values
                values[name] = read_cell(column, row.cells.get(name))
            except ValidationError as error:
                row.refuse(name, error)
        if not any(row.extra.get(name) for name in self.spreadsheet.adjusts):
            row.extra.clear()
        return row

    def _compare(self, row: Row, stored: Model | None) -> None:
        row.stored, row.new = stored, copy(stored) if stored else self.spreadsheet.model()
        if stored is None and self.lacking:
            text = (
                _("No row has this id, and new rows need these columns too: %(names)s.")
                if row.row_id
                else _("Without an id the row is new, and new rows need these columns too: %(names)s.")
            )
            row.refuse("id", text % {"names": ", ".join(self.lacking)})
        if stored is None and row.row_id and row.row_id > MAX_NEW_ID:
            row.refuse("id", id_out_of_range())
        is_ignored = False
        for name, value in row.values.items():
            column = self.columns[name].field
            if stored is None:
                setattr(row.new, name, value)
            elif name in self.spreadsheet.read_only_once_created:
                is_ignored |= value not in {None, getattr(stored, name)}
            # SQL may have stored blanks around a text, which an import strips: that is no change.
            elif value != column.to_python(getattr(stored, name)):
                setattr(row.new, name, value)
            if name != "id" and not column.null and getattr(row.new, name) is None:
                row.refuse(name, _("This cell is empty."))
        self.ignored_changes += is_ignored

    def _check_repeated(self, name: str, rows: Sequence[tuple[Row, str]], text: str) -> None:
        first = _first_rows(kind=name, values=[(value, row.number) for row, value in rows])
        for row, value in rows:
            if (above := first[value]) != row.number:
                row.refuse(name, text % {"row": above})

    def _check_names(self, rows: Sequence[Row]) -> None:
        new = [(row, row.values["name"]) for row in rows if not row.row_id and row.values.get("name")]
        named = self.manager.filter(name__in={name for _row, name in new})
        stored = dict(named.order_by("-pk").values_list("name", "pk"))
        text = _("“%(name)s” already exists. To change it, give its id: %(id)s.")
        for row, name in new:
            if name in stored:
                row.refuse("name", text % {"name": name, "id": stored[name]})
        unknown = [(row, name) for row, name in new if name not in stored]
        self._check_repeated("name", unknown, _("Row %(row)s has the same name."))


def _names(headings: Sequence[Any], columns: list[Column]) -> list[str | None]:
    by_spelling = {word: column.name for column in columns for word in column.spellings()}
    shown = [stripped("" if each is None else str(each)) for each in headings]
    names = [by_spelling.get(heading.casefold()) for heading in shown]
    times = Counter(names)
    unknown = [heading[:40] for heading, name in zip(shown, names, strict=True) if heading and not name]
    twice = [column.label for column in sorted(columns, key=lambda each: each.name) if times[column.name] > 1]
    for text, wrong in (
        (_("The file has columns that are unknown here: %(names)s."), unknown),
        (_("The file has these columns twice: %(names)s."), twice),
    ):
        if wrong:
            raise ValidationError(text, params={"names": ", ".join(wrong)})
    return names


def _first_rows(*, kind: str, values: Iterable[tuple[str, int]]) -> dict[str, int]:
    rows: dict[str, int] = {}
    # Values come in the file's order: the first row of each stays.
    for value, number in values:
        rows.setdefault(value, number)
    with connection.cursor() as cursor:
        cursor.execute(sql.ADD_SEEN, [kind, [*rows], [*rows.values()]])
        cursor.execute(sql.SEEN, [kind, [*rows]])
        return dict(cursor.fetchall())


def violations(*, rows: Sequence[Model]) -> dict[int, list[ValidationError]]:
    """Violations of the table's constraints, by index in `rows`; nothing is written or locked."""
    if not rows:
        return {}
    meta = type(rows[0])._meta  # noqa: SLF001 - documented API
    messages = {each.name: each.get_violation_error_message() for each in meta.constraints}
    with connection.cursor() as cursor:
        checks = dict(cursor.execute(sql.CHECK_CONSTRAINTS, [meta.db_table]).fetchall())
        cursor.execute(_failed_checks(meta.db_table, [*checks.values()]), [_as_json(rows)])
        found = cursor.fetchall()
    return {
        place - 1: [
            ValidationError(messages.get(name, name), code=name)
            for name, holds in zip(checks, answers, strict=True)
            if holds is False
        ]
        for place, *answers in found
    }


def _failed_checks(table: str, conditions: Sequence[str]) -> str:
    # The conditions are PostgreSQL's own texts, from pg_constraint.
    checks = [f"({condition})".replace("%", "%%") for condition in conditions]
    rows = f"jsonb_populate_recordset(NULL::{connection.ops.quote_name(table)}, %s::jsonb)"
    return (
        f"SELECT ordinality, {', '.join(checks)} "  # noqa: S608 # nosec B608
        f"FROM {rows} WITH ORDINALITY WHERE NOT ({' AND '.join(checks)})"
    )


def _as_json(rows: Sequence[Model]) -> str:
    columns = [(field.column, field.attname) for field in rows[0]._meta.concrete_fields]  # noqa: SLF001
    values = [{column: getattr(row, name) for column, name in columns} for row in rows]
    # The database will set the others.
    given = [{c: v for c, v in row.items() if not isinstance(v, DatabaseDefault)} for row in values]
    return json.dumps(given, default=str)
