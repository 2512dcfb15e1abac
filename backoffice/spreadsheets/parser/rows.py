"""Where the parser's rows go: lines of JSON, within the bounds of a table."""

import json
from array import array
from collections.abc import Sequence
from typing import IO, Any

from backoffice.spreadsheets.parser.limits import (
    LAST_ROW,
    MAX_CELL_CHARS,
    MAX_COLUMNS,
    MAX_OUTPUT_BYTES,
    MAX_ROWS,
    Refused,
)

# Beside what str.strip() takes: what marks a byte order, and shows nothing inside a text.
BLANK = "\ufeff"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Rows:
    """Writes rows within the bounds of a table, and remembers which cells were filled."""

    def __init__(self, output: IO[bytes]) -> None:
        self.output = output
        self.count = -1  # the first is the headings
        self.bytes = 0
        # By column, from 1: the rows with something in it, ascending.
        self.filled = [array("I") for _ in range(MAX_COLUMNS + 1)]

    def write(self, number: int, cells: Sequence[Any]) -> bool:
        """Write a row, unless it is blank; whether it was written. Raises Refused."""
        last = 0
        for column, cell in enumerate(cells, 1):
            if cell is None or (isinstance(cell, str) and not cell.strip().strip(BLANK)):
                continue
            if column > MAX_COLUMNS:
                raise Refused("too_many_columns", row=number, column=column)
            if isinstance(cell, str) and len(cell) > MAX_CELL_CHARS:
                raise Refused("long_cell", row=number, column=column)
            self.filled[column].append(number)
            last = column
        if not last:
            return False
        if number > LAST_ROW:
            raise Refused("row_number", place=f"{number}")
        self.count += 1
        if self.count > MAX_ROWS:
            raise Refused("too_many_rows", row=number)
        line = _encode((number, cells[:last])).encode() + b"\n"
        self.bytes += len(line)
        if self.bytes > MAX_OUTPUT_BYTES:
            raise Refused("unpacks_to_too_much")
        self.output.write(line)
        return True
