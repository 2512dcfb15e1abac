"""A worksheet of an XLSX file: the values that it shows, or a refusal by row and column."""

import math
import re
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element  # nosec B405 # for its type

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.formats import DATE, GENERAL, OTHER, PLAIN, Kinds
from backoffice.spreadsheets.parser.limits import UnreadableFile, filled
from backoffice.spreadsheets.parser.package import Package
from backoffice.spreadsheets.parser.workbook import TRUE, Workbook, has_stray_text, text_of, unescaped

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_ROW = re.compile(r"[0-9]{1,7}", re.ASCII)
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]{1,400}+\.?[0-9]{0,400}+|\.[0-9]{1,400}+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
# Formulas with values in several cells: array formulas and data tables.
_FILLING = {"array", "dataTable"}
# The height of a row or the width of a column that cannot be seen.
_NOTHING = {"0", "0.0"}
# 31 December 9999.
_LAST_DAY = 2_958_465
# Excel counts 29 February 1900, which did not exist.
_NO_DAY = 60
_DAY_MILLISECONDS = 86_400_000
_WANTED = {
    "worksheet/sheetFormatPr": 1,
    "cols/col": limits.LAST_COLUMN,
    "sheetData/row": limits.LAST_ROW,
    "mergeCells/mergeCell": limits.MAX_MERGED,
}

# First row and column, last row and column.
Area = tuple[int, int, int, int]


class Worksheet:
    """The first visible sheet of a workbook."""

    def __init__(self, content: bytes) -> None:
        """Raises UnreadableFile."""
        self.package = Package(content)
        self.book = Workbook(self.package)
        self.name, self.part = self.book.first_visible()
        self.row = 0
        self.hides_rows = False
        self.hidden_rows = 0
        self.hidden: list[range] = []
        self.merged: list[tuple[str, Area]] = []
        # Areas that formulas fill from this row on.
        self.areas: list[Area] = []
        # By column: the rows with content, ascending.
        self.filled: dict[int, array[int]] = defaultdict(lambda: array("I"))

    def report(self) -> dict[str, Any]:
        """The sheet's name and its hidden rows and columns, known once its rows are read."""
        hidden = [column for column in sorted(self.filled) if any(column in each for each in self.hidden)]
        return {
            "sheet": self.name[: limits.MAX_SHEET_NAME_CHARS],
            "sheets": len(self.book.sheets),
            "hidden_rows": self.hidden_rows,
            "hidden_columns": hidden,
        }

    def rows(self) -> Iterator[tuple[int, dict[int, Any]]]:
        """The rows with content, by number, and their cells by column.

        Raises UnreadableFile, also after the last row.
        """
        for element in self.package.elements(self.part, _WANTED):
            if element.tag == "row":
                if cells := filled(self._row(element).items()):
                    for column in cells:
                        self.filled[column].append(self.row)
                    self.hidden_rows += self._is_hidden(element)
                    yield self.row, cells
            elif element.tag == "mergeCell":
                reference = element.get("ref", "")
                self.merged.append((reference, self._area(reference)))
            elif element.tag == "col":
                first, last = element.get("min", ""), element.get("max", "")
                is_hidden = element.get("hidden") in TRUE or element.get("width") in _NOTHING
                if is_hidden and _ROW.fullmatch(first) and _ROW.fullmatch(last):
                    self.hidden.append(range(int(first), int(last) + 1))
            else:
                self.hides_rows = element.get("zeroHeight") in TRUE
        self._check_areas({})
        self._check_merged()

    def _is_hidden(self, row: Element) -> bool:
        return row.get("hidden", "1" if self.hides_rows else "0") in TRUE or row.get("ht") in _NOTHING

    def _check_merged(self) -> None:
        # Merged cells look like several with the same value, but only one holds it.
        for reference, (top, left, bottom, right) in self.merged:
            for column in range(left, min(right, limits.MAX_COLUMNS) + 1):
                rows = self.filled.get(column, ())
                place = bisect_left(rows, top)
                if (top, left) != (bottom, right) and place < len(rows) and rows[place] <= bottom:
                    raise UnreadableFile("merged", row=top, column=left, place=reference)

    def _row(self, row: Element) -> dict[int, Any]:
        number = row.get("r", f"{self.row + 1}")
        if not _ROW.fullmatch(number) or not 1 <= int(number) <= limits.LAST_ROW:
            raise UnreadableFile("row_number", place=number[:20])
        if int(number) <= self.row:
            raise UnreadableFile("row_order", row=int(number))
        if int(number) > self.row + 1:
            self._check_areas({})
        self.row = int(number)
        cells: dict[int, Any] = {}
        column = 0
        for cell in row:
            if cell.tag == "extLst":
                continue
            if cell.tag != "c":
                raise UnreadableFile("damaged")
            column = self._column(cell, column + 1)
            if column in cells:
                raise UnreadableFile("cell_twice", row=self.row, column=column)
            try:
                cells[column] = self._cell(cell, column)
            except (ValueError, LookupError, OverflowError) as error:
                raise UnreadableFile("cell_value", row=self.row, column=column) from error
        self._check_areas(cells)
        return cells

    def _column(self, cell: Element, following: int) -> int:
        reference = cell.get("r")
        row, column = self._place(reference) if reference else (self.row, following)
        if row != self.row:
            raise UnreadableFile("row_order", row=self.row, column=column)
        if column > limits.LAST_COLUMN:
            raise UnreadableFile("too_many_columns", row=self.row, column=column)
        return column

    def _area(self, reference: str) -> Area:
        first, _colon, last = reference.partition(":")
        rows, columns = zip(self._place(first), self._place(last or first), strict=True)
        return min(rows), min(columns), max(rows), max(columns)

    def _place(self, reference: str) -> tuple[int, int]:
        found = _REFERENCE.fullmatch(reference)
        row, column = (int(found[2]), number_of(found[1])) if found else (0, 0)
        if not (1 <= row <= limits.LAST_ROW and 1 <= column <= limits.LAST_COLUMN):
            raise UnreadableFile("cell_place", row=self.row, place=reference[:20])
        return row, column

    def _check_areas(self, cells: Mapping[int, Any]) -> None:
        for row, column, _bottom, right in self.areas:
            if any(cells.get(each) is None for each in range(column, right + 1)):
                raise UnreadableFile("not_calculated", row=row, column=column)
        self.areas = [area for area in self.areas if area[2] > self.row]

    def _cell(self, cell: Element, column: int) -> Any:
        """A cell's value: None for an empty cell, "" for an empty text.

        Raises UnreadableFile; ValueError, LookupError or OverflowError for an unreadable cell.
        """
        formula, value = _parts(cell)
        kind = cell.get("t", "n")
        text = "" if value is None else _text(value)
        # A text formula may result in an empty text; any other formula without a value was never calculated.
        is_text = kind == "str" and value is not None and value.tag == "v"
        if formula is not None:
            is_calculated = (text or is_text) and not self.book.calculates_on_load
            self._formula(formula, column, is_calculated=bool(is_calculated))
        if text:
            kinds = self.book.formats.get(int(cell.get("s", "0")), GENERAL)
            if kind != "n" and kinds.text == OTHER:
                raise UnreadableFile("cell_format", row=self.row, column=column)
            return self._value(kind, text, kinds)
        if kind == "e" or (kind in {"s", "b"} and value is not None):
            raise ValueError(kind)
        return "" if is_text else None

    def _formula(self, formula: Element, column: int, *, is_calculated: bool) -> None:
        area = self.row, column, self.row, column
        if formula.get("t") in _FILLING and (reference := formula.get("ref")):
            area = self._area(reference)
        if not is_calculated or area[:2] != (self.row, column):
            raise UnreadableFile("not_calculated", row=self.row, column=column)
        if area[2:] != (self.row, column):
            self.areas.append(area)
            if len(self.areas) > limits.MAX_OPEN_AREAS:
                raise UnreadableFile("too_much_work")

    def _value(self, kind: str, text: str, kinds: Kinds) -> Any:
        if kind == "n":
            return self._number(text.strip(), kinds)
        if kind == "s":
            return self.book.string(int(_match(_INDEX, text)))
        if kind == "b":
            return {"0": False, "1": True, "false": False, "true": True}[text]
        if kind == "e":
            return {"error": text[:20]}
        if kind in {"str", "inlineStr", "d"}:
            return unescaped(text)
        raise ValueError(kind)

    def _number(self, text: str, kinds: Kinds) -> Any:
        number = int(text) if _WHOLE.fullmatch(text) else float(_match(_DECIMAL, text))
        if not math.isfinite(number):
            raise ValueError(text)
        shown = kinds.positive if number > 0 else kinds.negative if number else kinds.zero
        if shown == DATE and number >= 1:  # below 1 it is a time without a day, or no date at all
            return {"date": self._date(number).isoformat()}
        return number if shown == PLAIN else {"number": number, "other": shown in {DATE, OTHER}}

    def _date(self, days: float) -> datetime:
        skips_a_day = not self.book.from_1904 and days >= _NO_DAY
        if days >= _LAST_DAY + 1 or (skips_a_day and days < _NO_DAY + 1):
            raise ValueError(days)
        year, before = (1904, 0) if self.book.from_1904 else (1900, 2 if skips_a_day else 1)
        first = datetime(year, 1, 1)  # noqa: DTZ001 - a sheet knows no zone
        return first + timedelta(milliseconds=round((days - before) * _DAY_MILLISECONDS))


def _parts(cell: Element) -> tuple[Element | None, Element | None]:
    """The cell's formula and value. Raises UnreadableFile; ValueError where they are not of its type."""
    formula = value = None
    for part in cell:
        if part.tag == "f":
            formula = part
        elif part.tag in {"v", "is"}:
            if value is not None:
                raise ValueError
            value = part
        elif part.tag != "extLst":
            raise UnreadableFile("damaged")
    if has_stray_text(cell) or (value is not None and (value.tag == "is") != (cell.get("t") == "inlineStr")):
        raise ValueError
    return formula, value


def _text(value: Element) -> str:
    if value.tag == "is":
        return text_of(value)
    if len(value):
        raise UnreadableFile("damaged")
    return value.text or ""


def _match(pattern: "re.Pattern[str]", text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text[:20])
    return text


@cache
def number_of(column: str) -> int:
    """The number of a column, from 1 for A."""
    number = 0
    for letter in column:
        number = number * 26 + ord(letter) - 64
    return number
