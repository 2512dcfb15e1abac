"""What the files of a table hold, and the validation of their rows: against the file, and what is stored."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from backoffice.formatting import won
from backoffice.spreadsheets import sql
from backoffice.spreadsheets.columns import Column, DifferenceColumn, column_for, column_of, stripped


@dataclass
class Row:
    """What a row of a file holds, the row of the table that it is about, and what is wrong with it."""

    number: int
    # Both by the name of the column.
    cells: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    # What the file says in columns that are no fields of the table; empty where no difference is given.
    extra: dict[str, Any] = field(default_factory=dict)
    # By the name of the column, "" for the row as a whole.
    errors: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    # The row of the table with this id, if there is one, and what the file makes of it.
    stored: Any = None
    new: Any = None

    @property
    def row_id(self) -> int | None:
        """The id that the file gives, if any."""
        return self.values.get("id")

    @cached_property
    def changes(self) -> dict[str, Any]:
        """The fields to write, with their values; and `extra`."""
        if self.stored is None:
            return {name: value for name, value in self.values.items() if value is not None}
        new = {name: getattr(self.new, name) for name in self.values}
        changed = {name: value for name, value in new.items() if value != getattr(self.stored, name)}
        return changed | self.extra

    @property
    def kind(self) -> str:
        """`new`, `changed` or `unchanged`."""
        if self.stored is None:
            return "new"
        return "changed" if self.changes else "unchanged"

    def refuse(self, name: str, error: "ValidationError | str") -> None:
        """Add an error to a column, or to the row as a whole where the name is empty."""
        messages = error.messages if isinstance(error, ValidationError) else [error]
        self.errors.setdefault(name, []).extend(str(each) for each in messages)


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
    # Fields of a file that are none of the table, and which of them are added to which field of a stored row.
    extra: "tuple[Field[Any, Any], ...]" = ()
    adjusts: ClassVar[Mapping[str, str]] = {}
    # Fields in won.
    money: tuple[str, ...] = ()
    # Files to start from: what each is called, and its columns with an example.
    templates: ClassVar[Mapping[str, tuple[Any, Mapping[str, Any]]]] = {}
    # A row without an id that has another's name is refused: it may be the same file a second time.
    unique_names = False

    def columns(self) -> list[Column]:
        """The columns of the table, in the order in which exports write them."""
        names = ("id", *self.required, *self.optional, *self.read_only)
        return [column_of(self.model, name) for name in names]

    def import_columns(self) -> list[Column]:
        """The columns that a file may have."""
        extra = [
            DifferenceColumn(each) if each.name in self.adjusts else column_for(each) for each in self.extra
        ]
        return [*self.columns(), *extra]

    @property
    def extra_names(self) -> set[str]:
        """The names of `extra`."""
        return {each.name for each in self.extra}

    def check(self, row: Row) -> None:
        """Refuse, or warn of, what only this kind of row has: in a preview, and again with the row locked."""

    def preview(self, column: Column, instance: Any) -> str:
        """A value of a row of the table as a page shows it."""
        value = getattr(instance, column.name)
        return won(value) if column.name in self.money else column.preview(value)

    def log_details(self, row: Row) -> list[dict[str, Any]]:  # noqa: ARG002
        """What the log says of a locked row's differences, by `action_log.log_detail`."""
        return []


class RowValidator:
    """Goes through a file's rows once, batch by batch, with the tables that `staging.create_tables` makes."""

    def __init__(self, *, spreadsheet: Spreadsheet, headings: Sequence[Any]) -> None:
        """Raises ValidationError for headings that name no column or one twice, and for lacking columns."""
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
        """Read the next rows of the file, each with its number; compare them with what is stored."""
        rows = [self._read(number, cells) for number, cells in file_rows]
        stored = self.manager.in_bulk([row.row_id for row in rows if row.row_id])
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
        extra = [*cells[len(self.names) :], *(c for n, c in zip(self.names, cells, strict=False) if not n)]
        if any(cell not in (None, "") for cell in extra):
            row.refuse("", _("This row has more cells than the file has columns."))
        for name, column in self.columns.items():
            try:
                values = row.extra if name in self.spreadsheet.extra_names else row.values
                values[name] = column.clean(row.cells.get(name))
            except ValidationError as error:
                row.refuse(name, error)
        if not any(row.extra.get(name) for name in self.spreadsheet.adjusts):
            row.extra.clear()
        return row

    def _compare(self, row: Row, stored: Model | None) -> None:
        """Set what the file makes of a stored row, or of none."""
        row.stored, row.new = stored, copy(stored) if stored else self.spreadsheet.model()
        is_ignored = False
        if stored is None and self.lacking:
            text = (
                _("There is none with this id, and new rows need these columns too: %(names)s.")
                if row.row_id
                else _("Without an id the row is new, and new rows need these columns too: %(names)s.")
            )
            row.refuse("id", text % {"names": ", ".join(self.lacking)})
        for name, value in row.values.items():
            column = self.columns[name].field
            if stored is None:
                setattr(row.new, name, value)
            elif name in self.spreadsheet.read_only_once_created:
                is_ignored |= value not in {None, getattr(stored, name)}
            # SQL may have stored blanks around a text, which an import drops: that is no change.
            elif value != column.to_python(getattr(stored, name)):
                setattr(row.new, name, value)
            if name != "id" and not column.null and getattr(row.new, name) is None:
                row.refuse(name, _("This cell is empty."))
        self.ignored_changes += is_ignored

    def _check_repeated(self, name: str, rows: Sequence[tuple[Row, str]], text: str) -> None:
        """Refuse rows whose value stands above in the file."""
        first = _first_rows(kind=name, values=[(value, row.number) for row, value in rows])
        for row, value in rows:
            if (above := first[value]) != row.number:
                row.refuse(name, text % {"row": above})

    def _check_names(self, rows: Sequence[Row]) -> None:
        """Refuse rows without an id whose name is stored already, or above in the file."""
        new = [(row, row.values["name"]) for row in rows if not row.row_id and row.values.get("name")]
        named = self.manager.filter(name__in={name for _row, name in new})
        stored = dict(named.order_by("-pk").values_list("name", "pk"))
        text = _("“%(name)s” is there already. To change it, give its id: %(id)s.")
        for row, name in new:
            if name in stored:
                row.refuse("name", text % {"name": name, "id": stored[name]})
        unknown = [(row, name) for row, name in new if name not in stored]
        self._check_repeated("name", unknown, _("Row %(row)s has the same name."))


def _names(headings: Sequence[Any], columns: list[Column]) -> list[str | None]:
    by_spelling = {word: column.name for column in columns for word in column.spellings()}
    shown = [stripped(unicodedata.normalize("NFC", "" if each is None else str(each))) for each in headings]
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
    """For each of these values, given in the file's order: the first row of the file with it."""
    rows: dict[str, int] = {}
    for value, number in values:
        rows.setdefault(value, number)
    with connection.cursor() as cursor:
        cursor.execute(sql.ADD_SEEN, [kind, [*rows], [*rows.values()]])
        cursor.execute(sql.SEEN, [kind, [*rows]])
        return dict(cursor.fetchall())


def violations(*, rows: Sequence[Model]) -> dict[int, list[ValidationError]]:
    """What the constraints of their table would refuse, by place in `rows`; nothing is written or locked."""
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
    """SQL: which rows of a JSON list fail which conditions; the conditions are the catalogue's."""
    checks = [f"({condition})".replace("%", "%%") for condition in conditions]
    rows = f"jsonb_populate_recordset(NULL::{connection.ops.quote_name(table)}, %s::jsonb)"
    return (
        f"SELECT ordinality, {', '.join(checks)} "  # noqa: S608 # nosec B608
        f"FROM {rows} WITH ORDINALITY WHERE NOT ({' AND '.join(checks)})"
    )


def _as_json(rows: Sequence[Model]) -> str:
    """The rows' values, without those that the database will set."""
    columns = [(field.column, field.attname) for field in rows[0]._meta.concrete_fields]  # noqa: SLF001
    values = [{column: getattr(row, name) for column, name in columns} for row in rows]
    given = [{c: v for c, v in row.items() if not isinstance(v, DatabaseDefault)} for row in values]
    return json.dumps(given, default=str)
