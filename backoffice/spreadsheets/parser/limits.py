"""What a file may have, whoever made it, and how it is refused.

The process that parses files imports nothing but Python's own library: no Django, no package.
"""

from collections.abc import Iterable
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
# Of an XLSX file, a compressed archive: what its parts that are read come to, 100,000 wide rows included.
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
MAX_PARTS = 10_000
MAX_ELEMENTS = 8_000_000
MAX_ELEMENT_DEPTH = 64
# Of what is kept until it ends: a row with its cells, a text, a tag, a comment.
MAX_ELEMENT_BYTES = 3 * 1024 * 1024
# The XML parser keeps each name of an element, an attribute and a namespace that it has met.
MAX_XML_NAMES = 10_000
MAX_SHARED_STRINGS = 1_000_000
MAX_STYLES = 100_000
MAX_MERGED = 100_000
# Of areas that one formula fills, at one row.
MAX_OPEN_AREAS = 100
MAX_SHEETS = 10_000
MAX_SHEET_NAME_CHARS = 100

MAX_ROWS = 100_000
MAX_COLUMNS = 50
MAX_CELL_CHARS = 10_000
# The last row and column of Excel, XFD1048576.
LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
# Of the rows as they are handed on.
MAX_OUTPUT_BYTES = 64 * 1024 * 1024

# The process's own: what the bounds above leave is below 300 MB and 15 s.
MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 20


class UnreadableFile(Exception):
    """A file that is refused; `code` is a key of `backoffice.spreadsheets.refusals.TEXTS`."""

    def __init__(self, code: str, *, row: int = 0, column: int = 0, place: str = "") -> None:
        super().__init__(code)
        self.report = {"refused": code, "row": row, "column": column, "place": place}


def filled(cells: Iterable[tuple[int, Any]]) -> dict[int, Any]:
    """The cells with something in them, by column; blanks and byte order marks are nothing."""
    return {
        column: cell
        for column, cell in cells
        if cell is not None and not (isinstance(cell, str) and not cell.strip().strip("\ufeff"))
    }
