"""A worksheet of an XLSX file, element by element."""

import math
import re
from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any

from backoffice.spreadsheets.parser.limits import LAST_COLUMN, LAST_ROW, MAX_COLUMNS, MAX_MERGED, Refused
from backoffice.spreadsheets.parser.package import MAIN, TRUE, Attributes, Part
from backoffice.spreadsheets.parser.rows import Rows
from backoffice.spreadsheets.parser.spills import FILLING, Area, Spills
from backoffice.spreadsheets.parser.strings import SharedStrings, TextElements, unescaped
from backoffice.spreadsheets.parser.styles import DATE, PLAIN, SCALED

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_ROW = re.compile(r"[0-9]{1,7}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_PLACE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
# The height of a row or the width of a column that cannot be seen.
_NOTHING = {"0", "0.0"}
_MAX_NUMBER_CHARS = 400
# 31 December 9999.
_LAST_DAY = 2_958_465
# Excel counts a 29 February 1900, which there was not.
_NO_DAY = 60
_DAY_MILLISECONDS = 86_400_000


class Sheet(Part):
    """Writes rows as they end; refuses by row and column a cell that shows something and cannot be read."""

    def __init__(
        self,
        *,
        rows: Rows,
        strings: SharedStrings,
        kinds: dict[str, str],
        from_1904: bool,
        calculates_on_load: bool,
    ) -> None:
        super().__init__()
        self.rows = rows
        self.strings = strings
        self.kinds = kinds
        self.from_1904 = from_1904
        self.calculates_on_load = calculates_on_load
        self.row = self.column = 0
        self.in_row = self.in_cell = False
        self.row_is_hidden = self.hides_rows = False
        self.cells: dict[int, Any] = {}
        self.cell: Attributes = {}
        self.formula = self.has_value = False
        self.value = ""
        self.text = TextElements(self)
        self.merged: list[tuple[int, int, int, int]] = []
        self.hidden_rows = 0
        self.hidden: list[tuple[int, int]] = []
        self.spills = Spills()
        for space in MAIN:
            self.starts |= {
                f"{space} sheetFormatPr": self._format,
                f"{space} col": self._column,
                f"{space} row": self._open_row,
                f"{space} c": self._open_cell,
                f"{space} f": self._formula,
                f"{space} v": self._open_value,
                f"{space} is": self._open_text,
                f"{space} mergeCell": self._merge,
            }
            self.ends |= {
                f"{space} row": self._close_row,
                f"{space} c": self._close_cell,
                f"{space} v": self._close_value,
                f"{space} is": self._close_value,
            }

    def hidden_columns(self) -> list[int]:
        """The columns with something in them that the sheet hides."""
        filled = [column for column, rows in enumerate(self.rows.filled) if rows]
        return [column for column in filled if any(first <= column <= last for first, last in self.hidden)]

    def refuse_merged(self) -> None:
        """Merged cells look like several with the same value, and are one with and others without.

        Raises Refused where any of them has something in it.
        """
        for first_row, first_column, last_row, last_column in self.merged:
            for column in range(first_column, min(last_column, MAX_COLUMNS) + 1):
                rows = self.rows.filled[column]
                place = bisect_left(rows, first_row)
                if place < len(rows) and rows[place] <= last_row:
                    area = f"{letters(first_column)}{first_row}:{letters(last_column)}{last_row}"
                    raise Refused("merged", row=first_row, column=first_column, place=area)

    def _format(self, given: Attributes) -> None:
        self.hides_rows = given.get("zeroHeight") in TRUE

    def _column(self, given: Attributes) -> None:
        is_hidden = given.get("hidden") in TRUE or given.get("width") in _NOTHING
        if is_hidden and len(self.hidden) < LAST_COLUMN:
            first, last = given.get("min", ""), given.get("max", "")
            if _ROW.fullmatch(first) and _ROW.fullmatch(last):
                self.hidden.append((int(first), int(last)))

    def _merge(self, given: Attributes) -> None:
        area = top, left, bottom, right = self._area(given.get("ref", ""))
        if len(self.merged) >= MAX_MERGED:
            raise Refused("too_much_work")
        if (top, left) != (bottom, right):
            self.merged.append(area)

    def _open_row(self, given: Attributes) -> None:
        above, number = self.row, given.get("r")
        if self.in_row:
            raise Refused("damaged")
        if number is None:
            self.row += 1
        elif _ROW.fullmatch(number):
            self.row = int(number)
        else:
            raise Refused("row_number", place=number[:20])
        if not 1 <= self.row <= LAST_ROW:
            raise Refused("row_number", place=f"{self.row}")
        if self.row <= above:
            raise Refused("row_order", row=self.row)
        self.in_row = True
        flat = given.get("ht") in _NOTHING
        self.row_is_hidden = flat or given.get("hidden", "1" if self.hides_rows else "0") in TRUE
        self.column = 0
        self.cells = {}

    def _close_row(self) -> None:
        self.in_row = False
        if self.cells:
            cells = [self.cells.get(column) for column in range(1, max(self.cells) + 1)]
            self.hidden_rows += self.rows.write(self.row, cells) and self.row_is_hidden

    def _open_cell(self, given: Attributes) -> None:
        if self.in_cell or not self.in_row:
            raise Refused("damaged")
        if reference := given.get("r"):
            row, self.column = self._place(reference)
            if row != self.row:
                raise Refused("row_order", row=self.row, column=self.column)
        else:
            self.column += 1
            if self.column > LAST_COLUMN:
                raise Refused("too_many_columns", row=self.row, column=self.column)
        if self.column in self.cells:
            raise Refused("cell_twice", row=self.row, column=self.column)
        self.in_cell = True
        self.cell = given
        self.formula = self.has_value = False
        self.value = ""

    def _area(self, reference: str) -> Area:
        first, _colon, last = reference.partition(":")
        return (*self._place(first), *self._place(last or first))

    def _place(self, reference: str) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference)
        row, column = (int(found[2]), number_of(found[1])) if found else (0, 0)
        if not (1 <= row <= LAST_ROW and 1 <= column <= LAST_COLUMN):
            raise Refused("cell_place", row=self.row, place=reference[:20])
        return row, column

    def _formula(self, given: Attributes) -> None:
        self.formula = self.in_cell
        if self.in_cell and given.get("t") in FILLING and ":" in (reference := given.get("ref", "")):
            self.spills.expect(self._area(reference), row=self.row, column=self.column)

    def _open_value(self, _given: Attributes) -> None:
        if self.in_cell:
            self._refuse_second_value()
            self.text.begin()
            self.text.open()
            self.has_value = True

    def _open_text(self, _given: Attributes) -> None:
        if self.in_cell:
            self._refuse_second_value()
            self.text.begin()

    def _refuse_second_value(self) -> None:
        if self.value or self.has_value:
            raise Refused("cell_value", row=self.row, column=self.column)

    def _close_value(self) -> None:
        if self.in_cell:
            self.value = self.text.end()

    def _close_cell(self) -> None:
        self.in_cell = False
        kind = self.cell.get("t", "n")
        # A text may be calculated to nothing; whatever else has no value was never calculated.
        lacks = not self.value and not (kind == "str" and self.has_value)
        if self.formula and (lacks or self.calculates_on_load):
            raise Refused("not_calculated", row=self.row, column=self.column)
        if self.value or self.has_value:
            self.spills.fill(row=self.row, column=self.column)
        # None as well: the place is taken.
        value = self.cells[self.column] = self._read(kind) if self.value else None
        if value is not None and self.column > MAX_COLUMNS and str(value).strip():
            raise Refused("too_many_columns", row=self.row, column=self.column)

    def _read(self, kind: str) -> Any:
        try:
            return self._value(kind)
        except (ValueError, LookupError, OverflowError) as error:
            raise Refused("cell_value", row=self.row, column=self.column) from error

    def _value(self, kind: str) -> Any:
        """What the cell holds. Raises ValueError, LookupError or OverflowError."""
        if kind == "n":
            return self._number(self.value)
        if kind == "s":
            return self.strings[int(_match(_PLACE, self.value))]
        if kind == "b":
            return {"0": False, "1": True, "false": False, "true": True}[self.value]
        if kind == "e":
            return {"error": self.value[:20]}
        if kind in {"str", "inlineStr", "d"}:
            return unescaped(self.value)
        raise ValueError(kind)

    def _number(self, text: str) -> Any:
        text = text.strip()
        number = int(text) if _WHOLE.fullmatch(text) else float(_match(_DECIMAL, text))
        if not math.isfinite(number):
            raise ValueError(text)
        kind = self.kinds.get(self.cell.get("s", "0"), PLAIN)
        if kind == DATE:  # below 1 it is a time without a day
            return {"date": self._date(number).isoformat()} if number >= 1 else number
        return number if kind == PLAIN else {"number": number, "scaled": kind == SCALED}

    def _date(self, days: float) -> datetime:
        """Excel's count of days, to the millisecond."""
        if self.from_1904:
            first = datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet knows no zone
        else:
            if _NO_DAY <= days < _NO_DAY + 1:
                raise ValueError(days)
            first = datetime(1899, 12, 31 if days < _NO_DAY else 30)  # noqa: DTZ001
        if days >= _LAST_DAY + 1:
            raise ValueError(days)
        return first + timedelta(milliseconds=round(days * _DAY_MILLISECONDS))


def _match(pattern: "re.Pattern[str]", text: str) -> str:
    if len(text) > _MAX_NUMBER_CHARS or not pattern.fullmatch(text):
        raise ValueError(text[:20])
    return text


def number_of(column: str) -> int:
    """The number of a column, from 1 for A."""
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - 64
    return number


def letters(column: int) -> str:
    """The letters of a column, A for 1."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text
