"""Limits of a file, and the error for a file beyond them.

The process that parses files imports nothing but Python's own library: no Django, no package.
"""

from collections.abc import Iterable
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
# An XLSX file is a compressed archive: the size of the parts that are read, enough for 100,000 wide rows.
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
MAX_PARTS = 10_000
MAX_ELEMENTS = 8_000_000
MAX_ELEMENT_DEPTH = 64
# Anything that is kept until it ends: a row with its cells, a text, a tag, a comment.
MAX_ELEMENT_BYTES = 3 * 1024 * 1024
# The XML parser keeps each element, attribute and namespace name.
MAX_XML_NAMES = 10_000
MAX_SHARED_STRINGS = 1_000_000
MAX_STYLES = 100_000
MAX_MERGED = 100_000
# Areas that one formula fills, in one row.
MAX_OPEN_AREAS = 100
MAX_SHEETS = 10_000
MAX_SHEET_NAME_CHARS = 100

MAX_ROWS = 100_000
MAX_COLUMNS = 50
MAX_CELL_CHARS = 10_000
# The last row and column of Excel, XFD1048576.
LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
# The rows in the output.
MAX_OUTPUT_BYTES = 64 * 1024 * 1024

# Limits of the process: a file within the bounds above needs less than 300 MB and 15 s.
MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 20


class UnreadableFile(Exception):
    """A file that is refused; `code` is a key of `backoffice.spreadsheets.refusals.TEXTS`."""

    def __init__(self, code: str, *, row: int = 0, column: int = 0, place: str = "") -> None:
        super().__init__(code)
        self.report = {"refused": code, "row": row, "column": column, "place": place}


def filled(cells: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """The non-empty cells by column; blanks and byte order marks count as empty."""
    return {
        column: cell
        for column, cell in cells
        if cell is not None and not (isinstance(cell, str) and not cell.strip().strip("\ufeff"))
    }
