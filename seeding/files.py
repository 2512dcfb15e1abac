"""Reading tables out of CSV and XLSX files, within bounds, a row at a time."""

import codecs
import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MOST_BYTES = 16 * 1024 * 1024
# Of an XLSX file, which is a compressed archive: what its parts may come to, 100,000 wide rows included.
MOST_UNPACKED_BYTES = 128 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 50
LONGEST_CELL = 10_000
PIECE = 64 * 1024

_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    ParseError,
    DefusedXmlException,
    *(KeyError, ValueError, IndexError, TypeError, AttributeError, EOFError, OSError, NotImplementedError),
)

Row = tuple[int, Sequence[Any]]


@dataclass(frozen=True)
class Table:
    """A file's headings, and its rows, each with its number as a spreadsheet shows it."""

    headers: Sequence[Any]
    rows: Iterable[Row]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def read(content: bytes) -> Table:
    """The table of a CSV or XLSX file, told apart by what is in it.

    Rows without content are left out; there are at most MOST_ROWS others. Raises ValidationError, also while
    the rows are read.
    """
    if refusal := too_big(len(content)):
        raise ValidationError(refusal)
    records = _xlsx(content) if content.startswith(b"PK") else _csv(content)
    filled = ((number, cells) for number, cells in enumerate(records, 1) if any(map(_is_filled, cells)))
    _number, headers = next(filled, (0, ()))
    return Table([*headers], _bounded(filled))


def too_big(size: int) -> str:
    """Why a file of so many bytes is not read, or nothing."""
    if size <= MOST_BYTES:
        return ""
    return _("The file is too big: %(most)s MB are the most.") % {"most": MOST_BYTES // 1024 // 1024}


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    yield from islice(rows, MOST_ROWS)
    if next(rows, None):
        raise ValidationError(
            _("The file has too many rows: split it into files of %(most)s rows at most."),
            params={"most": f"{MOST_ROWS:,}"},
        )


def _csv(content: bytes) -> Iterator[Sequence[str]]:
    csv.field_size_limit(LONGEST_CELL)
    text = io.TextIOWrapper(io.BytesIO(content), encoding=_encoding(content), newline="")
    try:
        yield from csv.reader(text)
    except csv.Error as error:
        raise ValidationError(
            _("A cell has no end: somewhere a quotation mark is missing, or it is longer than any cell here.")
        ) from error


def _encoding(content: bytes) -> str:
    """UTF-8, with or without a byte order mark, or CP949 as Korean Excel writes it."""
    for encoding in ("utf-8-sig", "cp949"):
        if b"\0" not in content and _is_in(encoding, content):
            return encoding
    raise ValidationError(
        _("This is neither an XLSX file nor a CSV file in UTF-8 or CP949. In Excel, save it as “CSV UTF-8”.")
    )


def _is_in(encoding: str, content: bytes) -> bool:
    pieces = iter(partial(io.BytesIO(content).read, PIECE), b"")
    try:
        return all(text is not None for text in codecs.iterdecode(pieces, encoding))
    except UnicodeDecodeError:
        return False


def _xlsx(content: bytes) -> Iterator[Sequence[Any]]:
    """The first sheet's rows: what its formulas came to, not the formulas."""
    _require_to_unpack_within_bounds(content)
    book = _readable(lambda: openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True))
    sheet = _readable(lambda: book.worksheets[0])
    sheet.reset_dimensions()  # what the file says of its own size need not be true
    rows = sheet.iter_rows(max_col=MOST_COLUMNS, values_only=True)
    while (row := _readable(lambda: next(rows, None))) is not None:
        yield row


def _require_to_unpack_within_bounds(content: bytes) -> None:
    parts = _readable(lambda: zipfile.ZipFile(io.BytesIO(content)).infolist())
    if sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
        raise ValidationError(_("The file unpacks to more than an import can take. Split it."))


def _readable(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except _UNREADABLE as error:
        raise ValidationError(_("This XLSX file is damaged. Open it in Excel and save it again.")) from error
