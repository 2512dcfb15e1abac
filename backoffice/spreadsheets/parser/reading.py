"""The table of a file: told apart by what is in it, within the bounds of `limits.py`."""

from typing import IO, Any

from backoffice.spreadsheets.parser import delimited, workbook
from backoffice.spreadsheets.parser.limits import MAX_BYTES, Refused
from backoffice.spreadsheets.parser.rows import Rows


def parse(content: bytes, output: IO[bytes]) -> dict[str, Any]:
    """Write the rows that have content, headings first; what is worth telling of them. Raises Refused."""
    if len(content) > MAX_BYTES:
        raise Refused("too_big")
    rows = Rows(output)
    if content.startswith(b"PK"):
        return workbook.read(content, rows)
    if content.startswith(b"\xd0\xcf\x11\xe0"):  # OLE: Excel's files before 2007, and what has a password
        raise Refused("protected" if "EncryptedPackage".encode("utf-16-le") in content else "old_excel")
    for number, cells in delimited.records(content):
        rows.write(number, cells)
    return {}
