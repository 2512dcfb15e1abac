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

from backoffice.spreadsheets.parser.limits import (
    CPU_SECONDS,
    MAX_BYTES,
    MAX_OUTPUT_BYTES,
    MEMORY_BYTES,
    Refused,
)


def main() -> None:
    """Limit this process, then read."""
    limit_resources()
    # Imported within the limits.
    from backoffice.spreadsheets.parser import reading  # noqa: PLC0415

    try:
        report = reading.parse(sys.stdin.buffer.read(MAX_BYTES + 1), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except Refused as error:
        report = {"refused": error.code, "row": error.row, "column": error.column, "place": error.place}
    except MemoryError:
        report = {"refused": "too_much_work"}
    sys.stderr.write(json.dumps(report))


def limit_resources() -> None:
    """Memory, processor time and what may be written; the kernel ends a process that goes beyond.

    macOS does not hold RLIMIT_AS. There memory is bounded by what the parser counts as it goes, which is the
    same everywhere: `limits.py` bounds all that it keeps, and the limit here is a second line.
    """
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_FSIZE: 2 * MAX_OUTPUT_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        _soft, hard = resource.getrlimit(kind)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
