"""XLSX files, also malformed ones: XML parts in a ZIP archive."""

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"
RELATIONSHIPS, STRINGS = "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMES = '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'


def xlsx(fill: Callable[[Any], None]) -> bytes:
    """A workbook whose only sheet was filled."""
    book, file = openpyxl.Workbook(), io.BytesIO()
    fill(book.active)
    book.save(file)
    return file.getvalue()


def with_parts(parts: Mapping[str, "bytes | str"], *, sound: bytes = b"") -> bytes:
    """A sound workbook with some of its parts replaced, or added."""
    sound = sound or calculated(xlsx(lambda sheet: sheet.append(["name"])))
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sound)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in {**dict.fromkeys(before.namelist()), **parts}:
            after.writestr(name, parts[name] if name in parts else before.read(name))
    return file.getvalue()


def with_sheet(inside: str, *, around: str = "", **parts: "bytes | str") -> bytes:
    """A workbook whose sheet has these rows, and this after them."""
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{inside}</sheetData>{around}</worksheet>'
    return with_parts({SHEET: sheet, **parts})


def with_cell(cell: str) -> bytes:
    """A workbook with one cell below its heading."""
    return with_sheet(f'{NAMES}<row r="2">{cell}</row>')


def with_strings(strings: str, *, sound: bytes) -> bytes:
    """A workbook with a table of shared texts, which it had none of."""
    relationship = f'<Relationship Id="texts" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    related = changed(sound, RELATIONSHIPS, "</Relationships>", f"{relationship}</Relationships>")
    return with_parts({STRINGS: f'<sst xmlns="{MAIN}">{strings}'}, sound=related)


def calculated(content: bytes) -> bytes:
    """A workbook that does not ask the next program to calculate it, as openpyxl's do."""
    return changed(content, BOOK, 'fullCalcOnLoad="1"', "")


def changed(content: bytes, part: str, before: str, after: str) -> bytes:
    """A workbook with other words in one of its parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(part).decode()
    assert before in text, text
    return with_parts({part: text.replace(before, after)}, sound=content)
