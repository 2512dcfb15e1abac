"""The values of a file's cells: what each says for its column, or why it is refused."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import BigIntegerField
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from backoffice.spreadsheets.columns import (
    MAX_EXACT,
    CellError,
    Column,
    Formatted,
    is_excel_error,
    needs_apostrophe,
    spellings,
    stripped,
)

# The first whole number that Excel shows otherwise than by its digits, as 1E+11.
FIRST_SCIENTIFIC = 10**11
# Of a row that a file adds: far above any shop's ids, and far below the end of the sequence.
# The sequence goes on from there, so that rows of the shop may have larger ones.
MAX_NEW_ID = 10**12
# `4.0` and `4.00` are 4, as programs write it. `4.000` is 4000 where the dot separates thousands, as it does
# in files with semicolons.
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}(\.0{1,2})?", re.ASCII)


def read_cell(column: Column, value: Any) -> Any:
    """A cell's value for the column's field, None for an empty cell. Raises ValidationError."""
    if isinstance(value, CellError) or (isinstance(value, str) and is_excel_error(stripped(value))):
        raise ValidationError(_("The formula in this cell failed in Excel, or its column was too narrow."))
    read = READERS["choice" if column.choices else column.field.get_internal_type()]
    if isinstance(value, str):
        # A text behind an exported apostrophe is taken literally.
        was_escaped = read is _read_text and value.startswith("'") and needs_apostrophe(value[1:])
        value = value[1:] if was_escaped else stripped(value)
    return None if value in (None, "") else column.field.clean(read(column, value), None)


def _read_integer(_column: Column, value: Any) -> int:
    if isinstance(value, Formatted):
        if value.is_other:
            raise ValidationError(
                _("This cell shows something else than it holds. Remove its percent sign or format.")
            )
        value = value.number
    if isinstance(value, int | float) and abs(value) > MAX_EXACT:
        raise ValidationError(
            _("Excel keeps fifteen digits of a number. Format this cell as text and type it again.")
        )
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value.partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(
            _("“%(value)s” is not a whole number: digits alone, as in 4500."),
            params={"value": f"{value}"[:40]},
        )
    if abs(value) > BigIntegerField.MAX_BIGINT:
        raise ValidationError(_("This number is too big."))
    return value


def _read_id(column: Column, value: Any) -> int:
    row_id = _read_integer(column, value)
    if row_id < 1:
        raise id_out_of_range()
    return row_id


def id_out_of_range() -> ValidationError:
    return ValidationError(_("An id is 1 to 1,000,000,000,000; leave it empty for a new row."))


def _read_text(_column: Column, value: Any) -> Any:
    is_number = isinstance(value, int | float)
    if isinstance(value, Formatted | datetime) or (
        is_number and (value != int(value) or abs(value) >= FIRST_SCIENTIFIC)
    ):
        raise ValidationError(
            _("This cell does not hold the text that it shows. Format it as text and type it again.")
        )
    if isinstance(value, bool):
        return str(value).upper()
    # A number is read as it looks: 4, not 4.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    ProhibitNullCharactersValidator()(str(value))
    return str(value)


def _read_choice(column: Column, value: Any) -> str:
    word = str(value).casefold()
    for code, label in column.field.choices:
        if word == code or word in spellings(label):
            return str(code)
    known = ", ".join(column.choices.values())
    raise ValidationError(
        _("“%(value)s” is none of: %(known)s."), params={"value": word[:40], "known": known}
    )


def _read_timestamp(_column: Column, value: Any) -> datetime:
    moment = value
    try:
        if isinstance(value, str):
            moment = parse_datetime(value) or parse_date(value)
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        if isinstance(moment, datetime):
            # A text as in 2026-11-22 09:00 is Seoul's time unless it has an offset.
            # PostgreSQL takes no offset beyond 15:59.
            return (make_aware(moment) if is_naive(moment) else moment).astimezone(UTC)
    except (ValueError, OverflowError):  # as in 2026-13-01, or 0001-01-01 in Seoul
        pass
    raise ValidationError(
        _("“%(value)s” is no date and time as in 2026-11-22 09:00."), params={"value": f"{value}"[:40]}
    )


READERS: dict[str, Callable[[Column, Any], Any]] = {
    "choice": _read_choice,
    "BigAutoField": _read_id,
    "BigIntegerField": _read_integer,
    "IntegerField": _read_integer,
    "DateTimeField": _read_timestamp,
    "CharField": _read_text,
    "TextField": _read_text,
}
