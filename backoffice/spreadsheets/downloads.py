"""Rows into CSV and XLSX files, that an import takes back."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from openpyxl import Workbook

from backoffice.spreadsheets.parser.limits import MAX_ROWS
from backoffice.spreadsheets.resources import FileResource
from backoffice.spreadsheets.rows import portions

PORTION = 1_000
# Excel reads UTF-8 as such only behind this.
BYTE_ORDER_MARK = "\ufeff"
# What XML cannot hold or changes, and what looks like its escape.
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class TooManyRows(ValueError):
    """More rows than this kind of file is made for."""


def as_csv(resource: type[FileResource], rows: QuerySet[Any]) -> Iterator[bytes]:
    """A CSV file piece by piece, of any length."""
    lines = _lines(resource, rows, typed=False)
    yield _csv_text([next(lines)], before=BYTE_ORDER_MARK)
    for portion in portions(lines, PORTION):
        yield _csv_text(portion)


def _csv_text(lines: list[list[Any]], *, before: str = "") -> bytes:
    text = io.StringIO(before, newline="")
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def as_xlsx(resource: type[FileResource], rows: QuerySet[Any]) -> IO[bytes]:
    """An XLSX file on disk, gone once it is closed. Raises TooManyRows beyond MAX_ROWS."""
    if rows.order_by()[: MAX_ROWS + 1].count() > MAX_ROWS:
        raise TooManyRows(
            _("An XLSX file has %(most)s rows at most. Filter the list, or take CSV.")
            % {"most": f"{MAX_ROWS:,}"}
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in _lines(resource, rows, typed=True):
        sheet.append([_escaped(cell) if isinstance(cell, str) else cell for cell in line])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    return file


def _escaped(text: str) -> str:
    """As spreadsheets escape in XLSX (ECMA-376 part 1, 22.9.2.19, ST_Xstring)."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _lines(resource: type[FileResource], rows: QuerySet[Any], *, typed: bool) -> Iterator[list[Any]]:
    names = resource.columns()
    # Now, in the reader's language: what follows is written when the request is over.
    headings, cells = [resource.label(name) for name in names], [resource.cell(name) for name in names]
    values = rows.order_by("pk").values_list(*names).iterator(chunk_size=PORTION)
    return _written(headings, cells, values, typed=typed)


def _written(headings: list[str], cells: list[Any], values: Any, *, typed: bool) -> Iterator[list[Any]]:
    yield headings
    for row in values:
        yield [cell.write(value, typed=typed) for cell, value in zip(cells, row, strict=True)]
