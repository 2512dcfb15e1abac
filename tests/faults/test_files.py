"""Files made to take all the memory or time there is; their parser bounds each thing that it keeps."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

from backoffice.spreadsheets import importing
from backoffice.spreadsheets.parser.limits import CPU_SECONDS, MAX_BYTES, MAX_UNPACKED_BYTES
from tests.kit.workbooks import (
    BOOK,
    MAIN,
    NAMES,
    RELATIONSHIPS,
    SHEET,
    STYLES,
    changed,
    with_parts,
    with_sheet,
    with_strings,
)

MB = 1024 * 1024
BLANKS = f"<a>{' ' * MB}</a>"
MERGED = '<mergeCell ref="B2:XFD1048576"/>'
SHEET_HEAD = f'<worksheet xmlns="{MAIN}"><sheetData>'
# Said after the parser's own last words: what its process had in memory at most.
PEAK = "; print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0], file=sys.stderr)"


def parsed(content: bytes) -> tuple[dict, float, int]:
    """What the parser's process says, its processor time in seconds, and its memory at most in MB."""
    *interpreter, program, folder = importing._PARSER
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as rows:
        file.write(content)
        file.seek(0)
        command = [*interpreter, f"{program}; print(file=sys.stderr){PEAK}", folder]
        running = subprocess.Popen(command, stdin=file, stdout=rows, stderr=subprocess.PIPE, env={})
        said, _nothing, peak = running.stderr.read().decode().partition("\n")
        running.stderr.close()
        _pid, status, used = os.wait4(running.pid, 0)
        running.returncode = status
    assert status == 0, (status, said)
    return json.loads(said), used.ru_utime + used.ru_stime, int(peak) // 1024


def strings(texts: str) -> bytes:
    return with_strings(texts, sound=with_sheet(NAMES))


def many_parts(count: int) -> bytes:
    """An archive's table of contents alone, as long as a file may be."""
    head = b"PK\x01\x02" + b"\0" * 24 + b"\x06" + b"\0" * 17
    entries = b"".join(head + b"%06d" % number for number in range(count))
    end = b"PK\x05\x06" + b"\0" * 4 + b"\xff\xff" * 2 + len(entries).to_bytes(4, "little") + b"\0" * 6
    return entries + end


def several_large_parts() -> bytes:
    """Each within the bound, and their sum beyond."""
    content = with_sheet(NAMES)
    for part, end in ((RELATIONSHIPS, "</Relationships>"), (BOOK, "</workbook>")):
        content = changed(content, part, end, BLANKS * (MAX_UNPACKED_BYTES // MB * 3 // 4) + end)
    return content


def lying(size: int) -> bytes:
    """A sheet that says it unpacks to less than it does."""
    content = bytearray(with_parts({SHEET: " " * (MAX_UNPACKED_BYTES + 1)}))
    true = (MAX_UNPACKED_BYTES + 1).to_bytes(4, "little")
    assert content.count(true) == 2
    return bytes(content.replace(true, size.to_bytes(4, "little")))


READ = {"lines of a CSV file", "short rows of a CSV file"}
HOSTILE = {
    "unpacks to too much": lambda: with_parts({SHEET: "<a>" + BLANKS * (MAX_UNPACKED_BYTES // MB)}),
    "blanks": lambda: with_parts({SHEET: " " * MAX_UNPACKED_BYTES}),
    "several parts unpack to too much": several_large_parts,
    "lies about its size": lambda: lying(100),
    "many parts": lambda: many_parts(320_000),
    "cells without a name": lambda: with_parts({SHEET: SHEET_HEAD + '<row r="1">' + "<c/>" * (13 * MB)}),
    "cells of many rows": lambda: with_parts({SHEET: SHEET_HEAD + "<row><c/><c/></row>" * 5_000_000}),
    "merged cells": lambda: with_sheet(NAMES, around=f"<mergeCells>{MERGED * 2_000_000}</mergeCells>"),
    "cells with attributes": lambda: with_parts({SHEET: SHEET_HEAD + '<row r="1">' + '<c a=""/>' * (7 * MB)}),
    "shared strings": lambda: strings("<si/>" * 20_000_000),
    "one long shared text": lambda: strings("<si><t>" + "a" * (100 * MB)),
    "long shared texts": lambda: strings(("<si><t>" + "a" * 70_000 + "</t></si>") * 1_800),
    "pieces of a text": lambda: strings("<si>" + "<t>a</t>" * 10_000_000),
    "one long cell": lambda: with_sheet(f'<row><c t="str"><v>{"a" * (100 * MB)}</v></c></row>'),
    "one attribute": lambda: with_parts({SHEET: f'<worksheet a="{"a" * (100 * MB)}"/>'}),
    "one comment": lambda: with_parts({SHEET: f"<!--{'a' * (100 * MB)}-->"}),
    "nesting": lambda: with_parts({SHEET: "<a>" * (40 * MB)}),
    "names of elements": lambda: with_parts({SHEET: "<a>" + "".join(f"<a{n}/>" for n in range(5_000_000))}),
    "names of attributes": lambda: with_parts(
        {SHEET: "<a>" + "".join(f'<a a{n}="a"/>' for n in range(4_000_000))}
    ),
    "namespaces": lambda: with_parts(
        {SHEET: "<a>" + "".join(f'<a xmlns:a{n}="{n}"/>' for n in range(3_000_000))}
    ),
    "styles": lambda: with_parts(
        {STYLES: f'<styleSheet xmlns="{MAIN}"><cellXfs>' + '<xf numFmtId="14"/>' * 6_000_000}
    ),
    "sheets": lambda: with_parts(
        {BOOK: f'<workbook xmlns="{MAIN}"><sheets>' + '<sheet name="a"/>' * 5_000_000}
    ),
    "entities": lambda: with_parts(
        {SHEET: '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'}
    ),
    "a text many times": lambda: with_strings(
        "<si><t>" + "가" * 9_999 + "</t></si></sst>",
        sound=with_sheet('<row><c t="s"><v>0</v></c></row>' * 100_000),
    ),
    "columns of a CSV file": lambda: b"," * MAX_BYTES,
    "headings of a CSV file": lambda: b"name," * (MAX_BYTES // 5),
    "lines of a CSV file": lambda: b"\n" * MAX_BYTES,
    "short rows of a CSV file": lambda: b",\n" * (MAX_BYTES // 2),
    "quotation marks of a CSV file": lambda: b'"' * MAX_BYTES,
    "cells with lines of a CSV file": lambda: b'"\n",' * (MAX_BYTES // 4),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_parsing_any_file_stays_within_memory_and_time(kind):
    """Far below the limits of the process, which are a second line: macOS does not hold that of memory."""
    content = HOSTILE[kind]()
    assert len(content) <= MAX_BYTES
    told, seconds, memory = parsed(content)
    sys.stdout.write(f"{kind}: {told} {seconds:.1f} s, {memory} MB\n")
    assert ("refused" in told) == (kind not in READ)
    assert memory < 300
    assert seconds < CPU_SECONDS
