"""The columns of a table's files, and their values on pages and in files."""

import re
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

# Excel keeps fifteen digits of a number.
MAX_EXACT = 10**15 - 1
# Characters that begin a formula, in every width (UAX 15); spreadsheets convert some of these into the
# others.
_SIGNS = frozenset("=+-@−")
# Texts of cells whose formula failed; in a CSV file also of cells that were too narrow, which are `#` alone.
_EXCEL_ERROR = re.compile(
    "#(N/A|REF!|VALUE!|DIV/0!|NAME[?]|NULL!|NUM!|SPILL!|CALC!|FIELD!|BUSY!|CONNECT!|BLOCKED!|UNKNOWN!"
    "|PYTHON!|EXTERNAL!|GETTING_DATA|#+)"
)
# Invisible characters that str.strip() leaves.
_INVISIBLE = frozenset({"Cc", "Cf"})


class CellError(str):
    """The error of a cell whose formula failed, such as `#N/A`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Formatted:
    """A number that its cell shows formatted (`007`, `1,000`) or, `is_other`, as another value (`100%`)."""

    number: float
    is_other: bool

    def __str__(self) -> str:
        return str(self.number)


class Column:
    """A column of a file for a field of a model, in the reader's language."""

    def __init__(self, field: Any) -> None:
        self.field: Any = field
        self.name: str = field.name
        self.label = "id" if self.name == "id" else str(field.verbose_name)
        self.choices = {code: str(label) for code, label in field.choices or ()}

    def spellings(self) -> set[str]:
        """Headings that name it, case-folded: the field's name, its label in any of the shop's languages."""
        label = _("Number") if self.name == "id" else self.field.verbose_name
        return {self.name, *spellings(label)}

    def show(self, value: Any, *, typed: bool) -> Any:
        """A value as people read it; a number for files with `typed` cells, if Excel keeps its digits."""
        if value is None:
            return ""
        is_exact = not isinstance(value, int) or abs(value) <= MAX_EXACT
        return value if typed and is_exact else str(value)

    def write(self, value: Any, *, typed: bool) -> Any:
        """The value as a cell of a file; a text is written so that it is never run as a formula."""
        shown = self.show(value, typed=typed)
        return f"'{shown}" if isinstance(value, str) and needs_apostrophe(shown) else shown


class ChoiceColumn(Column):
    """One of a few words."""

    def show(self, value: Any, *, typed: bool) -> Any:
        return super().show(self.choices.get(value, value), typed=typed)


class TimestampColumn(Column):
    """Dates and times in Seoul."""

    def show(self, value: Any, *, typed: bool) -> Any:
        if value is None:
            return ""
        local = localtime(value).replace(tzinfo=None)
        # Excel's own type would not keep a fraction of a second exactly.
        return local if typed and not local.microsecond else local.isoformat(sep=" ")


def column_of(model: type[Model], name: str) -> Column:
    return column_for(model._meta.get_field(name))  # noqa: SLF001 - documented API


def column_for(field: Any) -> Column:
    if field.choices:
        return ChoiceColumn(field)
    return TimestampColumn(field) if field.get_internal_type() == "DateTimeField" else Column(field)


@dataclass
class Row:
    """A row of a file, the stored row with its id, and its errors."""

    number: int
    # Both are keyed by column name.
    cells: dict[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    # Values of `Spreadsheet.extra`; none where no column of its `adjusts` has one.
    extra: dict[str, Any] = field(default_factory=dict)
    # Keyed by column name; "" is the row as a whole.
    errors: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    # The stored row with this id, if any, and its new state.
    stored: Any = None
    new: Any = None

    @property
    def row_id(self) -> int | None:
        return self.values.get("id")

    @cached_property
    def changes(self) -> dict[str, Any]:
        """The fields to write, with their values; and `extra`."""
        if self.stored is None:
            return {name: value for name, value in self.values.items() if value is not None}
        new = {name: getattr(self.new, name) for name in self.values}
        changed = {name: value for name, value in new.items() if value != getattr(self.stored, name)}
        return changed | self.extra

    @cached_property
    def overwritten(self) -> dict[str, Any]:
        """The stored values of the fields in `changes`; of `extra` none, as a difference fits any value."""
        names = self.changes.keys() - self.extra.keys() if self.stored else ()
        return {name: getattr(self.stored, name) for name in sorted(names)}

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
    """Describes the files of a table; each app subclasses it for its models."""

    model: type[Model]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Exported for reading, ignored by imports.
    read_only: tuple[str, ...] = ()
    # Imports set these in new rows only; and the preview's warning for rows that would change them.
    read_only_once_created: tuple[str, ...] = ()
    ignored_change: "str | Promise" = ""
    # Columns that are no fields of the table, as `stock_change` and `reason` of products; and which of them
    # are differences, added to which field of a stored row.
    extra: "tuple[Field[Any, Any], ...]" = ()
    adjusts: ClassVar[Mapping[str, str]] = {}
    # Template files: a name each, and columns with an example.
    templates: ClassVar[Mapping[str, tuple[Any, Mapping[str, Any]]]] = {}
    # A row without an id is refused if its name exists: it may be the same file a second time.
    unique_names = False

    def columns(self) -> list[Column]:
        """In the order in which exports write them."""
        names = ("id", *self.required, *self.optional, *self.read_only)
        return [column_of(self.model, name) for name in names]

    def import_columns(self) -> list[Column]:
        return [*self.columns(), *(column_for(each) for each in self.extra)]

    @property
    def extra_names(self) -> set[str]:
        return {each.name for each in self.extra}

    def check(self, row: Row) -> None:
        """Refuse or warn by rules of this table: in a preview, and again with the row locked."""

    def preview(self, row: Row, column: Column) -> str:
        """A cell's old value if it changes, its new value, and a warning if any."""
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
        """A value of a stored or new row as a page shows it; `Column.show` is for files."""
        value = getattr(instance, column.name)
        unit = action_log.unit_of(instance, column.name, {})
        if value is not None and unit in {"won", "percent"}:
            return action_log.KINDS[unit](value)
        is_counted = isinstance(value, int) and column.name != "id"
        return number(value) if is_counted else str(column.show(value, typed=False))

    def _is_price(self, name: str) -> bool:
        # A field that is in won only in some rows, as `units` can say, is no price.
        return bool(getattr(self.model, "units", {}).get(name) == "won")

    def log_parts(self, row: Row) -> list[action_log.Part]:
        """The log message's parts for a stored row that is about to change."""
        after = {name: row.changes[name] for name in row.overwritten}
        return [action_log.changes(row.stored, row.overwritten, after)] if after else []


def _change(before: str, after: str) -> str:
    return format_html("<del>{}</del> → <ins>{}</ins>", before, after)


def stripped(text: str) -> str:
    # macOS writes Hangul in pieces (NFD).
    return unicodedata.normalize("NFC", text).strip().strip("\ufeff").strip()


def is_excel_error(text: str) -> bool:
    """Whether a spreadsheet shows this text, without blanks around it, in place of a value."""
    return bool(_EXCEL_ERROR.fullmatch(text))


def needs_apostrophe(text: str) -> bool:
    """Whether a text is exported with a leading apostrophe, which an import removes again."""
    # Apostrophes of its own are skipped, so that the added one can be distinguished from them.
    text = text.lstrip("'")
    # Spreadsheets skip blanks, line ends and invisible characters before a sign and then run a formula; and
    # they take `#N/A` for one that failed.
    first = next((c for c in text if not c.isspace() and unicodedata.category(c) not in _INVISIBLE), "")
    is_run = unicodedata.normalize("NFKC", first) in _SIGNS or is_excel_error(text.upper())
    # An import would strip blanks around it.
    return is_run or text != stripped(text)


def spellings(text: object) -> set[str]:
    """The text in each of the shop's languages, case-folded."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(str(text).casefold())
    return found
