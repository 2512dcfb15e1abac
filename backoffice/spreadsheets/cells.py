"""What a cell of a file may hold, by the kind of its column; and how it is written into one."""

import re
import unicodedata
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import BigIntegerField
from django.utils import translation
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, localtime, make_aware
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.files import CellError, Formatted

MAX_INTEGER = BigIntegerField.MAX_BIGINT
# Excel keeps fifteen digits: beyond this a number is not what was typed.
MAX_EXACT_FLOAT = 2**53
EXCEL_ERRORS = frozenset(
    f"#{name}" for name in ("N/A", "REF!", "VALUE!", "DIV/0!", "NAME?", "NULL!", "NUM!", "SPILL!", "CALC!")
)
# What begins a formula, in whatever width it is written (UAX 15); spreadsheets make some of these the others.
_SIGNS = frozenset("=+-@−")
# What str.strip() leaves, and shows nothing.
_INVISIBLE = frozenset({"Cc", "Cf"})
_WHOLE = re.compile(r"-?[0-9]{1,19}(\.0+)?", re.ASCII)


class Cell:
    """Any cell."""

    def clean(self, value: Any) -> Any:
        """The value, None for an empty cell. Raises ValidationError."""
        if isinstance(value, str):
            value = self.strip(value)
        if isinstance(value, CellError) or (isinstance(value, str) and value in EXCEL_ERRORS):
            raise ValidationError(_("The formula in this cell failed in Excel."))
        return None if value is None or value == "" else self.read(value)

    def strip(self, text: str) -> str:
        """A text without the blanks around it."""
        return stripped(text)

    def read(self, value: Any) -> Any:
        """What a cell with something in it means. Raises ValidationError."""
        return value

    def show(self, value: Any, *, typed: bool) -> Any:
        """A value as people read it, as a number where a file has `typed` cells."""
        if value is None:
            return ""
        return value if typed else str(value)

    def write(self, value: Any, *, typed: bool) -> Any:
        """The same as a cell of a file, where a text is never run as a formula."""
        shown = self.show(value, typed=typed)
        return f"'{shown}" if isinstance(value, str) and needs_apostrophe(shown) else shown


class IntegerCell(Cell):
    """A whole number: digits, or a number of Excel's."""

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
        if abs(value) > MAX_INTEGER:
            raise ValidationError(_("This number is too big."))
        return value


class IdCell(IntegerCell):
    """A row's number in the shop."""

    # Far beyond any shop, and far from where the numbering would end.
    MAX = 10**12

    def read(self, value: Any) -> int:
        """Raises ValidationError outside 1 to 1,000,000,000,000."""
        number = super().read(value)
        if not 1 <= number <= self.MAX:
            raise ValidationError(_("An id is 1 to 1,000,000,000,000; leave it empty for a new row."))
        return number


class TextCell(Cell):
    """A text; numbers of Excel's as they look."""

    def strip(self, text: str) -> str:
        """The same; but what export put an apostrophe before is all as it was."""
        if text.startswith("'") and needs_apostrophe(text[1:]):
            return text[1:]
        return stripped(text)

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
        text = str(value)
        ProhibitNullCharactersValidator()(text)
        return text


class ChoiceCell(Cell):
    """One of a few words: their codes, or their labels in any of the shop's languages."""

    def __init__(self, choices: Any) -> None:
        self.labels = dict(choices)
        self.shown = {code: str(label) for code, label in self.labels.items()}

    def read(self, value: Any) -> str:
        """The code. Raises ValidationError for another word."""
        word = str(value).casefold()
        for code, label in self.labels.items():
            if word == code or word in spellings(label):
                return str(code)
        known = ", ".join(self.shown.values())
        raise ValidationError(
            _("“%(value)s” is none of: %(known)s."), params={"value": word[:40], "known": known}
        )

    def show(self, value: Any, *, typed: bool) -> Any:
        """The label in the language of whoever asked for it."""
        return super().show(self.shown.get(value, value), typed=typed)


class TimestampCell(Cell):
    """A date and a time, of Excel's or as in 2026-11-22 09:00; Seoul's unless it says another offset."""

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
