"""Files that would take more than an import has, and files that only look as if."""

import io
import zipfile
from contextlib import suppress

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from seeding import files
from seeding.files import read


def xlsx(fill) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    fill(book.active)
    book.save(file)
    return file.getvalue()


def with_part(name: str, content: bytes) -> bytes:
    """A sound file with one of its parts replaced."""
    sound, file = zipfile.ZipFile(io.BytesIO(xlsx(lambda sheet: sheet.append(["name"])))), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as changed:
        for part in sound.namelist():
            changed.writestr(part, content if part == name else sound.read(part))
    return file.getvalue()


def test_more_bytes_than_an_import_reads_are_refused():
    with pytest.raises(ValidationError, match="16 MB"):
        read(b"x" * (files.MOST_BYTES + 1))


def test_a_small_file_that_unpacks_to_more_than_fits_is_refused_before_it_does():
    bomb = with_part("xl/worksheets/sheet1.xml", b" " * (files.MOST_UNPACKED_BYTES + 1))
    assert len(bomb) < 1_000_000
    with pytest.raises(ValidationError, match="압축"):
        list(read(bomb))


def test_entities_that_multiply_are_refused():
    laughs = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c t="inlineStr"><is><t>&b;</t></is></c></row></sheetData></worksheet>'
    )
    with pytest.raises(ValidationError, match="손상"):
        list(read(with_part("xl/worksheets/sheet1.xml", laughs)))


@pytest.mark.filterwarnings("ignore::UserWarning")  # openpyxl warns of what it does without
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
@pytest.mark.parametrize("content", [b"", b"<", b"<a/>", b"\x00\xff"])
def test_a_damaged_part_is_refused_in_words_or_not_needed(part: str, content: bytes):
    with suppress(ValidationError):
        list(read(with_part(part, content)))


def test_an_archive_that_is_no_spreadsheet_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(ValidationError, match="손상"):
        read(file.getvalue())


def test_a_row_far_below_the_others_keeps_its_number():
    def fill(sheet):
        sheet["A1"], sheet["A2"], sheet["A50000"] = "name", "a", "b"

    assert [number for number, _cells in read(xlsx(fill))] == [2, 50_000]


def test_columns_beyond_any_table_are_not_read():
    def fill(sheet):
        sheet["A1"], sheet["XFD1"], sheet["A2"] = "name", "far", "a"

    assert len(read(xlsx(fill)).headers) <= files.MOST_COLUMNS


def test_a_cell_may_hold_lines_of_its_own_and_ends_of_lines_may_be_any():
    content = 'name,price\r\n"두\r\n줄",1\r\n한 줄,2\r\n'.encode()
    assert [cells for _number, cells in read(content)] == [["두\r\n줄", "1"], ["한 줄", "2"]]
    assert len(list(read(b"name\rx\ry"))) == 2


def test_the_first_sheet_counts_and_what_its_formulas_came_to():
    def fill(sheet):
        sheet.append(["name", "=1+1"])
        sheet.parent.create_sheet().append(["other"])

    assert read(xlsx(fill)).headers[:3] == ["name", None, None]  # nobody has calculated it yet
