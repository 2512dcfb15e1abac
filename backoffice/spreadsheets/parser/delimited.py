"""Records of CSV files."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.limits import Refused

HEAD_BYTES = 64 * 1024
# More than a row within bounds can have, each character of it a quotation mark that is doubled.
MAX_RECORD_CHARS = 2 * limits.MAX_COLUMNS * limits.MAX_CELL_CHARS


def records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers as a spreadsheet shows them. Raises Refused."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding=_encoding(content), newline="")
    number = chars = 0

    def lines() -> Iterator[str]:
        nonlocal chars
        while line := text.readline(MAX_RECORD_CHARS + 1):
            chars += len(line)
            if chars > MAX_RECORD_CHARS:
                raise Refused("long_row", row=number + 1)
            yield line

    csv.field_size_limit(limits.MAX_CELL_CHARS)
    # Strict: else what follows a quotation mark without an end would be one cell.
    reader = csv.reader(lines(), delimiter=_delimiter(content), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            chars = 0
            if cells:
                yield number, cells
    except csv.Error as error:
        code = "long_cell" if "field limit" in str(error) else "csv_quotes"
        raise Refused(code, row=number + 1) from error


def _encoding(content: bytes) -> str:
    """UTF-8, with or without a byte order mark, or CP949 as Korean Excel writes it."""
    for encoding in ("utf-8-sig", "cp949"):
        with suppress(UnicodeDecodeError):
            if "\0" not in content.decode(encoding):
                return encoding
    raise Refused("encoding")


def _delimiter(content: bytes) -> str:
    """A comma; or what stands in its place where Excel uses the comma in numbers, and in copied tables."""
    head = content[:HEAD_BYTES].lstrip(codecs.BOM_UTF8 + b"\r\n").splitlines()[:1]
    if head and b"," not in head[0]:
        return next((each for each in ("\t", ";") if each.encode() in head[0]), ",")
    return ","
