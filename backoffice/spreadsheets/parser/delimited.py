"""Records of CSV files."""

import codecs
import csv
import io
from collections.abc import Iterator
from functools import partial

from backoffice.spreadsheets.parser.limits import MAX_CELL_CHARS, MAX_COLUMNS, Refused

CHUNK_BYTES = 64 * 1024
# More than a row within bounds can have, each character of it a quotation mark that is doubled.
MAX_RECORD_CHARS = 2 * MAX_COLUMNS * MAX_CELL_CHARS


def records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers as a spreadsheet shows them. Raises Refused."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding=_encoding(content), newline="")
    lines = _Lines(text)
    csv.field_size_limit(MAX_CELL_CHARS)
    # Strict: else what follows a quotation mark without an end would be one cell.
    reader = csv.reader(lines, delimiter=_delimiter(content), strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            lines.chars = 0
            if cells:
                yield number, cells
    except csv.Error as error:
        code = "long_cell" if "field limit" in str(error) else "csv_quotes"
        raise Refused(code, row=number + 1) from error
    except RowTooLong as error:
        raise Refused("long_row", row=number + 1) from error


class RowTooLong(Exception):
    """More characters than a row can have, and no end of it."""


class _Lines:
    """Lines with their ends; no more of them to a record than a row may have."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.chars = 0  # of the row so far

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(MAX_RECORD_CHARS + 1):
            self.chars += len(line)
            if self.chars > MAX_RECORD_CHARS:
                raise RowTooLong
            yield line


def _encoding(content: bytes) -> str:
    """UTF-8, with or without a byte order mark, or CP949 as Korean Excel writes it."""
    for encoding in ("utf-8-sig", "cp949"):
        if b"\0" not in content and _is_in(encoding, content):
            return encoding
    raise Refused("encoding")


def _is_in(encoding: str, content: bytes) -> bool:
    pieces = iter(partial(io.BytesIO(content).read, CHUNK_BYTES), b"")
    try:
        return all(text is not None for text in codecs.iterdecode(pieces, encoding))
    except UnicodeDecodeError:
        return False


def _delimiter(content: bytes) -> str:
    """A comma; or what stands in its place where Excel uses the comma in numbers, and in copied tables."""
    head = content[:CHUNK_BYTES].lstrip(codecs.BOM_UTF8 + b"\r\n").splitlines()[:1]
    if head and b"," not in head[0]:
        return next((each for each in ("\t", ";") if each.encode() in head[0]), ",")
    return ","
