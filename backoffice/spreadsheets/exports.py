"""Rows into CSV and XLSX files, that an import takes back."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from itertools import chain, islice
from typing import IO, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from openpyxl import Workbook

from backoffice.spreadsheets.columns import Spreadsheet
from backoffice.spreadsheets.parser.limits import MAX_ROWS
from core.db.replica import iterate_from_replica, read_from_replica

BATCH_SIZE = 1_000
# Excel reads UTF-8 as such only behind this.
BYTE_ORDER_MARK = "\ufeff"
# What XML cannot hold or changes, and what looks like its escape.
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class TooManyRows(ValueError):
    """More rows than this kind of file is made for."""


def as_csv(spreadsheet: Spreadsheet, rows: QuerySet[Any]) -> Iterator[bytes]:
    """A CSV file piece by piece, of any length."""
    lines = _lines(spreadsheet, rows, typed=False)
    yield _csv_text([next(lines)], before=BYTE_ORDER_MARK)
    while batch := [*islice(lines, BATCH_SIZE)]:
        yield _csv_text(batch)


def _csv_text(lines: list[list[Any]], *, before: str = "") -> bytes:
    text = io.StringIO(before, newline="")
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def as_xlsx(spreadsheet: Spreadsheet, rows: QuerySet[Any]) -> IO[bytes]:
    """An XLSX file on disk, gone once it is closed. Raises TooManyRows beyond MAX_ROWS."""
    if read_from_replica(rows.order_by()[: MAX_ROWS + 1].count) > MAX_ROWS:
        raise TooManyRows(
            _("An XLSX file has %(most)s rows at most. Filter the list, or take CSV.")
            % {"most": f"{MAX_ROWS:,}"}
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in _lines(spreadsheet, rows, typed=True):
        sheet.append([_escaped(cell) if isinstance(cell, str) else cell for cell in line])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    return file


def _escaped(text: str) -> str:
    """As spreadsheets escape in XLSX (ECMA-376 part 1, 22.9.2.19, ST_Xstring)."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _lines(spreadsheet: Spreadsheet, rows: QuerySet[Any], *, typed: bool) -> Iterator[list[Any]]:
    # Now, in the reader's language: what follows is written when the request is over.
    columns = spreadsheet.columns()
    headings = [column.label for column in columns]
    values = rows.order_by("pk").values_list(*(column.name for column in columns))
    found = iterate_from_replica(values, chunk_size=BATCH_SIZE)
    cells = (zip(columns, row, strict=True) for row in found)
    return chain([headings], ([column.write(value, typed=typed) for column, value in row] for row in cells))
