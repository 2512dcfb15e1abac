"""What the parser of files makes of bytes, in this process."""

import io
import json

import pytest
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser.limits import UnreadableFile
from backoffice.spreadsheets.parser.main import parse
from tests.kit.workbooks import with_cell


def rows_of(content: bytes) -> list:
    """The rows as the parser hands them on, each with its number."""
    output = io.BytesIO()
    parse(content, output)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def told(content: bytes) -> dict:
    """What it tells of the table."""
    return parse(content, io.BytesIO())


def refused(content: bytes) -> tuple[str, str]:
    """Why it is refused, and where: a cell, or a row."""
    with pytest.raises(UnreadableFile) as caught:
        told(content)
    report = caught.value.report
    column = get_column_letter(report["column"]) if report["column"] else ""
    return report["refused"], f"{column}{report['row'] or ''}"


def cell_of(cell: str):
    """What one cell below a heading is read as."""
    rows = rows_of(with_cell(cell))
    return rows[1][1][0] if len(rows) > 1 else None
