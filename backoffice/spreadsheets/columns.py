"""What the files of a table hold: its columns, and their rows as pages show them and files have them."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Field, Model
from django.utils import translation
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from backoffice import action_log
from backoffice.formatting import number

# What begins a formula, in whatever width it is written (UAX 15); spreadsheets make some of these the others.
_SIGNS = frozenset("=+-@−")
# Texts of which spreadsheets make a cell whose formula failed.
EXCEL_ERRORS = frozenset(
    f"#{name}" for name in ("N/A", "REF!", "VALUE!", "DIV/0!", "NAME?", "NULL!", "NUM!", "SPILL!", "CALC!")
)
# What str.strip() leaves, and shows nothing.
_INVISIBLE = frozenset({"Cc", "Cf"})


class CellError(str):
    """What a cell shows whose formula failed: `#N/A`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Formatted:
    """A number that its cell shows otherwise (`007`, `1,000`) or, `is_scaled`, as another one (`100%`)."""

    number: float
    is_scaled: bool

    def __str__(self) -> str:
        return str(self.number)


class Column:
    """A field of a model as a file has it, in the language of whoever asks for it."""

    def __init__(self, field: Any) -> None:
        self.field: Any = field
        self.name: str = field.name
        self.label = "id" if self.name == "id" else str(field.verbose_name)
        self.choices = {code: str(label) for code, label in field.choices or ()}

    def spellings(self) -> set[str]:
        """The headings that name it: the field's name, and its label in any of the shop's languages."""
        label = _("Number") if self.name == "id" else self.field.verbose_name
        return {self.name, *spellings(label)}

    def show(self, value: Any, *, typed: bool) -> Any:
        """A value as people read it, as a number where a file has `typed` cells."""
        if value is None:
            return ""
        return value if typed else str(value)

    def write(self, value: Any, *, typed: bool) -> Any:
        """The same as a cell of a file, where a text is never run as a formula."""
        shown = self.show(value, typed=typed)
        return f"'{shown}" if isinstance(value, str) and needs_apostrophe(shown) else shown


class ChoiceColumn(Column):
    """One of a few words."""

    def show(self, value: Any, *, typed: bool) -> Any:
        """Its label."""
        return super().show(self.choices.get(value, value), typed=typed)


class TimestampColumn(Column):
    """Dates and times in Seoul."""

    def show(self, value: Any, *, typed: bool) -> Any:
        """Seoul's moment; as a text where Excel's own would not be exact."""
        if value is None:
            return ""
        local = localtime(value).replace(tzinfo=None)
        return local if typed and not local.microsecond else local.isoformat(sep=" ")


def column_of(model: type[Model], name: str) -> Column:
    """The column of a field, whose kind says how its cells are written."""
    return column_for(model._meta.get_field(name))  # noqa: SLF001 - documented API


def column_for(field: Any) -> Column:
    """The same of a field that no table has."""
    if field.choices:
        return ChoiceColumn(field)
    return TimestampColumn(field) if field.get_internal_type() == "DateTimeField" else Column(field)


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
        return [*self.columns(), *(column_for(each) for each in self.extra)]

    @property
    def extra_names(self) -> set[str]:
        """The names of `extra`."""
        return {each.name for each in self.extra}

    def check(self, row: Row) -> None:
        """Refuse, or warn of, what only this kind of row has: in a preview, and again with the row locked."""

    def preview(self, row: Row, column: Column) -> str:
        """What a cell was, where it changes, and what it will be; and why to look at it once more."""
        name = column.name
        if name in row.extra:
            if name not in self.adjusts:
                return row.extra[name] or ""
            by, stored = row.extra[name], getattr(row.stored, self.adjusts[name])
            return format_html("{}: {}", f"{by:+,}", _change(number(stored), number(stored + by)))
        if name in self.extra_names or (row.stored is None and row.values[name] is None):
            return ""
        shown = after = self.show(row.new, column)
        if row.stored and (before := self.show(row.stored, column)) != after:
            shown = _change(before, after)
            if self._is_price(name) and (old := getattr(row.stored, name)) and row.values[name]:
                shown = format_html("{} {}", shown, f"({(row.values[name] - old) / old * 100:+.1f} %)")
        if warning := row.warnings.get(name):
            shown = format_html('{} <strong class="file-warning">{}</strong>', shown, warning)
        return shown

    def show(self, instance: Any, column: Column) -> str:
        """A value of a row of the table as a page shows it."""
        value = getattr(instance, column.name)
        unit = action_log.unit_of(instance, column.name, {})
        if value is not None and unit in {"won", "percent"}:
            return action_log.KINDS[unit](value)
        is_counted = isinstance(value, int) and column.name != "id"
        return number(value) if is_counted else str(column.show(value, typed=False))

    def _is_price(self, name: str) -> bool:
        """Whether the field is in won, whatever the row; of another a percentage would say little."""
        return bool(getattr(self.model, "units", {}).get(name) == "won")

    def log_parts(self, row: Row) -> list[action_log.Part]:
        """What the log says of a stored row that is about to change."""
        after = {name: value for name, value in row.changes.items() if name not in self.extra_names}
        before = {name: getattr(row.stored, name) for name in after}
        return [action_log.changes(row.stored, before, after)] if after else []


def _change(before: str, after: str) -> str:
    return format_html("<del>{}</del> → <ins>{}</ins>", before, after)


def stripped(text: str) -> str:
    """A text without blanks and byte order marks around it."""
    return text.strip().strip("\ufeff").strip()


def needs_apostrophe(text: str) -> bool:
    """Whether a text has to be exported behind an apostrophe, which an import takes off again.

    Spreadsheets drop blanks, ends of lines and what is invisible before a sign and then run a formula, and
    take `#N/A` for one that failed; blanks around any text an import would drop. Apostrophes that a text
    begins with do not count, so that one more can be told from them.
    """
    text = text.lstrip("'")
    first = next((c for c in text if not c.isspace() and unicodedata.category(c) not in _INVISIBLE), "")
    is_run = unicodedata.normalize("NFKC", first) in _SIGNS or text.upper() in EXCEL_ERRORS
    return is_run or text != stripped(text)


def spellings(text: object) -> set[str]:
    """A text in each of the shop's languages, without capitals."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(str(text).casefold())
    return found
