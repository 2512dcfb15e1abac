"""The columns of a table's files: the headings that name them, and what their cells may hold."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import BigIntegerField, Model
from django.utils import translation
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, localtime, make_aware
from django.utils.translation import gettext_lazy as _

from backoffice.formatting import number

# Excel keeps fifteen digits: beyond this a number is not what was typed.
MAX_EXACT_FLOAT = 2**53
# Far beyond any shop, and far from where the numbering would end.
MAX_ID = 10**12
EXCEL_ERRORS = frozenset(
    f"#{name}" for name in ("N/A", "REF!", "VALUE!", "DIV/0!", "NAME?", "NULL!", "NUM!", "SPILL!", "CALC!")
)
# What begins a formula, in whatever width it is written (UAX 15); spreadsheets make some of these the others.
_SIGNS = frozenset("=+-@−")
# What str.strip() leaves, and shows nothing.
_INVISIBLE = frozenset({"Cc", "Cf"})
_WHOLE = re.compile(r"-?[0-9]{1,19}(\.0+)?", re.ASCII)
_ADDED = re.compile(r"\+[0-9].*")


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
        self.field = field
        self.name: str = field.name
        self.label = "id" if self.name == "id" else str(field.verbose_name)
        self.choices = {code: str(label) for code, label in field.choices or ()}

    def spellings(self) -> set[str]:
        """The headings that name it: the field's name, and its label in any of the shop's languages."""
        label = _("Number") if self.name == "id" else self.field.verbose_name
        return {self.name, *spellings(label)}

    def clean(self, value: Any) -> Any:
        """What a cell means to the field, None for an empty cell. Raises ValidationError."""
        if isinstance(value, CellError) or (isinstance(value, str) and stripped(value) in EXCEL_ERRORS):
            raise ValidationError(_("The formula in this cell failed in Excel."))
        if isinstance(value, str):
            value = self.strip(value)
        return None if value is None or value == "" else self.field.clean(self.read(value), None)

    def strip(self, text: str) -> str:
        """A text without the blanks around it."""
        return stripped(text)

    def read(self, value: Any) -> Any:
        """A cell with something in it, as a value of the field. Raises ValidationError."""
        return value

    def show(self, value: Any, *, typed: bool) -> Any:
        """A value as people read it, as a number where a file has `typed` cells."""
        if value is None:
            return ""
        return value if typed else str(value)

    def preview(self, value: Any) -> str:
        """A value as a page shows it."""
        return str(self.show(value, typed=False))

    def write(self, value: Any, *, typed: bool) -> Any:
        """The same as a cell of a file, where a text is never run as a formula."""
        shown = self.show(value, typed=typed)
        return f"'{shown}" if isinstance(value, str) and needs_apostrophe(shown) else shown


class IntegerColumn(Column):
    """Whole numbers: digits, or a number of Excel's."""

    def read(self, value: Any) -> int:
        """Raises ValidationError for anything else, and for more than the database holds."""
        if isinstance(value, Formatted):
            if value.is_scaled:
                raise ValidationError(
                    _("This cell shows another number than it holds. Take its percent sign or format off.")
                )
            value = value.number
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value.partition(".")[0])
        if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_EXACT_FLOAT:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(
                _("“%(value)s” is not a whole number: digits alone, as in 4500."),
                params={"value": f"{value}"[:40]},
            )
        if abs(value) > BigIntegerField.MAX_BIGINT:
            raise ValidationError(_("This number is too big."))
        return value

    def preview(self, value: Any) -> str:
        """The number with its thousands set apart."""
        return "" if value is None else number(value)


class DifferenceColumn(IntegerColumn):
    """What is added to a number, or taken off it: `+50`, `50` or `-50`."""

    def read(self, value: Any) -> int:
        """Raises ValidationError for anything else."""
        return super().read(value[1:] if isinstance(value, str) and _ADDED.fullmatch(value) else value)


class IdColumn(IntegerColumn):
    """Rows' numbers in the shop."""

    def read(self, value: Any) -> int:
        """Raises ValidationError outside 1 to MAX_ID."""
        row_id = super().read(value)
        if not 1 <= row_id <= MAX_ID:
            raise ValidationError(_("An id is 1 to 1,000,000,000,000; leave it empty for a new row."))
        return row_id

    def preview(self, value: Any) -> str:
        """As in lists and files."""
        return str(value or "")


class TextColumn(Column):
    """Texts; numbers of Excel's as they look."""

    def strip(self, text: str) -> str:
        """The same; but what export put an apostrophe before is all as it was."""
        return text[1:] if text.startswith("'") and needs_apostrophe(text[1:]) else stripped(text)

    def read(self, value: Any) -> str:
        """Raises ValidationError for what looks otherwise in Excel, and for what a database cannot hold."""
        if isinstance(value, Formatted | datetime):
            raise ValidationError(
                _("This cell does not hold the text that it shows. Format it as text and type it again.")
            )
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        ProhibitNullCharactersValidator()(str(value))
        return str(value)


class ChoiceColumn(Column):
    """One of a few words: their codes, or their labels in any of the shop's languages."""

    def read(self, value: Any) -> str:
        """The code. Raises ValidationError for another word."""
        word = str(value).casefold()
        for code, label in self.field.choices:
            if word == code or word in spellings(label):
                return str(code)
        known = ", ".join(self.choices.values())
        raise ValidationError(
            _("“%(value)s” is none of: %(known)s."), params={"value": word[:40], "known": known}
        )

    def show(self, value: Any, *, typed: bool) -> Any:
        """Its label."""
        return super().show(self.choices.get(value, value), typed=typed)


class TimestampColumn(Column):
    """Dates and times, of Excel's or as in 2026-11-22 09:00; Seoul's unless they say another offset."""

    def read(self, value: Any) -> datetime:
        """Raises ValidationError for anything else."""
        moment = value
        if isinstance(value, str):
            try:
                moment = parse_datetime(value) or parse_date(value)
            except ValueError:  # as in 2026-13-01
                moment = None
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        if not isinstance(moment, datetime):
            raise ValidationError(
                _("“%(value)s” is no date and time as in 2026-11-22 09:00."),
                params={"value": f"{value}"[:40]},
            )
        return make_aware(moment) if is_naive(moment) else moment

    def show(self, value: Any, *, typed: bool) -> Any:
        """Seoul's moment; as a text where Excel's own would not be exact."""
        if value is None:
            return ""
        local = localtime(value).replace(tzinfo=None)
        return local if typed and not local.microsecond else local.isoformat(sep=" ")


KINDS: dict[str, type[Column]] = {
    "BigAutoField": IdColumn,
    "BigIntegerField": IntegerColumn,
    "DateTimeField": TimestampColumn,
}


def column_of(model: type[Model], name: str) -> Column:
    """The column of a field, whose kind says how its cells are read and written."""
    return column_for(model._meta.get_field(name))  # noqa: SLF001 - documented API


def column_for(field: Any) -> Column:
    """The same of a field that no table has."""
    kind = KINDS.get(field.get_internal_type(), TextColumn)
    return ChoiceColumn(field) if field.choices else kind(field)


def stripped(text: str) -> str:
    """A text without blanks and byte order marks around it."""
    return text.strip().strip("\ufeff").strip()


def needs_apostrophe(text: str) -> bool:
    """Whether a text has to be exported behind an apostrophe, which an import takes off again.

    Spreadsheets drop blanks, ends of lines and what is invisible before a sign and then run a formula; blanks
    around any text an import would drop. Apostrophes that a text begins with do not count, so that one more
    can be told from them.
    """
    text = text.lstrip("'")
    first = next((c for c in text if not c.isspace() and unicodedata.category(c) not in _INVISIBLE), "")
    return text != stripped(text) or unicodedata.normalize("NFKC", first) in _SIGNS


def spellings(text: object) -> set[str]:
    """A text in each of the shop's languages, without capitals."""
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(str(text).casefold())
    return found
