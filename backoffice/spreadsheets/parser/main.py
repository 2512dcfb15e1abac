"""The process that turns a file into rows: the file is its standard input, the rows are its output.

A row is a line of JSON, `[number, [cell, ...]]`. A cell is null, a text, a number, true or false, or an
object: `{"date": "2026-11-28T09:00:00"}`; for a formula that failed, `{"error": "#N/A"}`; for a number in a
format that shows it otherwise, `{"number": 7, "scaled": false}`. Its last words, on standard error, are a
JSON object: `{"refused": code, ...}`, or what is worth telling of the table.
"""

import contextlib
import json
import resource
import sys
from typing import IO, Any

from backoffice.spreadsheets.parser import delimited, limits, sheet
from backoffice.spreadsheets.parser.limits import Refused
from backoffice.spreadsheets.parser.rows import Rows


def main() -> None:
    """Limit this process, then read."""
    limit_resources()
    try:
        report = parse(sys.stdin.buffer.read(limits.MAX_BYTES + 1), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except Refused as error:
        report = {"refused": error.code, "row": error.row, "column": error.column, "place": error.place}
    except MemoryError:
        report = {"refused": "too_much_work"}
    sys.stderr.write(json.dumps(report))


def parse(content: bytes, output: IO[bytes]) -> dict[str, Any]:
    """Write the rows that have content, headings first; what is worth telling of them.

    The kind of file is told by what is in it. Raises Refused.
    """
    if len(content) > limits.MAX_BYTES:
        raise Refused("too_big")
    rows = Rows(output)
    if content.startswith(b"PK"):
        return sheet.read(content, rows)
    if content.startswith(b"\xd0\xcf\x11\xe0"):  # OLE: Excel's files before 2007, and what has a password
        raise Refused("protected" if "EncryptedPackage".encode("utf-16-le") in content else "old_excel")
    for number, cells in delimited.records(content):
        rows.write(number, enumerate(cells, 1))
    return {}


def limit_resources() -> None:
    """Memory, processor time and what may be written; the kernel ends a process that goes beyond.

    macOS does not hold RLIMIT_AS. There memory is bounded by what the parser counts as it goes, which is the
    same everywhere: `limits.py` bounds all that it keeps, and the limit here is a second line.
    """
    bounds = {
        resource.RLIMIT_AS: limits.MEMORY_BYTES,
        resource.RLIMIT_CPU: limits.CPU_SECONDS,
        resource.RLIMIT_FSIZE: 2 * limits.MAX_OUTPUT_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in bounds.items():
        _soft, hard = resource.getrlimit(kind)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
