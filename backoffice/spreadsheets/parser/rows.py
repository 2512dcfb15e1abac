"""Where the parser's rows go: lines of JSON, within the bounds of a table."""

import json
from array import array
from collections.abc import Iterable
from typing import IO, Any

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.limits import Refused

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
        self.filled = [array("I") for _ in range(limits.MAX_COLUMNS + 1)]

    def write(self, number: int, cells: Iterable[tuple[int, Any]]) -> bool:
        """Write a row of cells with their columns, unless all are blank; whether it was. Raises Refused."""
        filled = {}
        for column, cell in cells:
            if cell is None or (isinstance(cell, str) and not cell.strip().strip(BLANK)):
                continue
            if column > limits.MAX_COLUMNS:
                raise Refused("too_many_columns", row=number, column=column)
            if isinstance(cell, str) and len(cell) > limits.MAX_CELL_CHARS:
                raise Refused("long_cell", row=number, column=column)
            self.filled[column].append(number)
            filled[column] = cell
        if not filled:
            return False
        if number > limits.LAST_ROW:
            raise Refused("row_number", place=f"{number}")
        self.count += 1
        if self.count > limits.MAX_ROWS:
            raise Refused("too_many_rows", row=number)
        line = (
            _encode((number, [filled.get(column) for column in range(1, max(filled) + 1)])).encode() + b"\n"
        )
        self.bytes += len(line)
        if self.bytes > limits.MAX_OUTPUT_BYTES:
            raise Refused("unpacks_to_too_much")
        self.output.write(line)
        return True
