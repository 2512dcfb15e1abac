"""The process that turns a file into rows: the file is its standard input, the rows are its output.

A row is a line of JSON, `[number, [cell, ...]]`. A cell is null, a text, a number, true or false, or an
object: `{"date": "2026-11-28T09:00:00"}`; for a formula that failed, `{"error": "#N/A"}`; for a number in a
format that shows it otherwise, `{"number": 7, "other": false}`. At the end it writes a JSON object to
standard error: `{"refused": code, ...}`, or facts about the table.
"""

import codecs
import contextlib
import csv
import io
import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import IO, Any

from backoffice.spreadsheets.parser import limits
from backoffice.spreadsheets.parser.limits import UnreadableFile, filled
from backoffice.spreadsheets.parser.worksheet import Worksheet

CSV_HEAD_BYTES = 64 * 1024
# Longer than any row within bounds, even if every character is a doubled quotation mark.
MAX_RECORD_CHARS = 2 * limits.MAX_COLUMNS * limits.MAX_CELL_CHARS

_HANGUL = re.compile(r"[\uac00-\ud7a3]")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def main() -> None:
    limit_resources()
    try:
        report = parse(sys.stdin.buffer.read(limits.MAX_BYTES + 1), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except UnreadableFile as error:
        report = error.report
    except MemoryError:
        report = {"refused": "too_much_work"}
    sys.stderr.write(json.dumps(report))


def limit_resources() -> None:
    """Limit memory, processor time and output; the kernel ends a process that exceeds them."""
    # macOS does not enforce RLIMIT_AS. There only the counts of `limits.py` bound memory, which bound it
    # everywhere; the limit here is a second defence.
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


def parse(content: bytes, output: IO[bytes]) -> dict[str, Any]:
    """Write the rows that have content, headings first; returns facts about the table.

    The content decides the kind of file. Raises UnreadableFile.
    """
    if len(content) > limits.MAX_BYTES:
        raise UnreadableFile("too_big")
    if content.startswith(b"PK"):
        sheet = Worksheet(content)
        write(sheet.rows(), output)
        return sheet.report()
    if content.startswith(b"\xd0\xcf\x11\xe0"):  # OLE: Excel files before 2007, and files with a password
        is_protected = "EncryptedPackage".encode("utf-16-le") in content
        raise UnreadableFile("protected" if is_protected else "old_excel")
    write(csv_rows(content), output)
    return {}


def write(rows: Iterable[tuple[int, dict[int, Any]]], output: IO[bytes]) -> None:
    written = 0
    for count, (number, cells) in enumerate(rows):  # the first is the headings
        for column, cell in cells.items():
            if column > limits.MAX_COLUMNS:
                raise UnreadableFile("too_many_columns", row=number, column=column)
            if isinstance(cell, str) and len(cell) > limits.MAX_CELL_CHARS:
                raise UnreadableFile("long_cell", row=number, column=column)
        if number > limits.LAST_ROW:
            raise UnreadableFile("row_number", place=f"{number}")
        if count > limits.MAX_ROWS:
            raise UnreadableFile("too_many_rows", row=number)
        line = _encode((number, [cells.get(column) for column in range(1, max(cells) + 1)])).encode() + b"\n"
        written += len(line)
        if written > limits.MAX_OUTPUT_BYTES:
            raise UnreadableFile("unpacks_to_too_much")
        output.write(line)


def csv_rows(content: bytes) -> Iterator[tuple[int, dict[int, str]]]:
    """The rows of a CSV file with content, with their numbers as a spreadsheet shows them.

    Raises UnreadableFile.
    """
    text = io.TextIOWrapper(io.BytesIO(content), encoding=_encoding(content), newline="")
    number = chars = 0

    def lines() -> Iterator[str]:
        nonlocal chars
        while line := text.readline(MAX_RECORD_CHARS + 1):
            chars += len(line)
            if chars > MAX_RECORD_CHARS:
                raise UnreadableFile("long_row", row=number + 1)
            yield line

    # Strict, or the rest of the file after an unclosed quotation mark would be one cell.
    reader = csv.reader(lines(), delimiter=_delimiter(content), strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            chars = 0
            if cells and (row := filled(enumerate(cells, 1))):
                yield number, row
    except csv.Error as error:
        # csv's own limit, 131,072 characters, belongs to the whole process; `write` has ours.
        code = "long_cell" if "field limit" in str(error) else "csv_quotes"
        raise UnreadableFile(code, row=number + 1) from error


def _encoding(content: bytes) -> str:
    text = _decoded(content, "utf-8-sig")
    if text is not None and (
        content.isascii() or content.startswith(codecs.BOM_UTF8) or _HANGUL.search(text)
    ):
        return "utf-8-sig"
    if _decoded(content, "cp949") is None:
        if text is None:
            raise UnreadableFile("encoding")
        return "utf-8-sig"
    if text is not None:
        # Korean Excel writes CP949; bytes of some words in it are other letters in UTF-8: `치킨` and `ġŲ`, or
        # `챕` and `é`.
        raise UnreadableFile("two_encodings")
    return "cp949"


def _decoded(content: bytes, encoding: str) -> str | None:
    with contextlib.suppress(UnicodeDecodeError):
        text = content.decode(encoding)
        return None if "\0" in text else text
    return None


def _delimiter(content: bytes) -> str:
    head = content[:CSV_HEAD_BYTES].lstrip(codecs.BOM_UTF8 + b"\r\n").splitlines()[:1]
    if head and b"," not in head[0]:
        # Copied tables have tabs; semicolons are where Excel's numbers use the comma.
        return next((each for each in ("\t", ";") if each.encode() in head[0]), ",")
    return ","
