"""Workbooks, sheets and rows of XLSX files: what they show is what is read, or the file is refused."""

from contextlib import suppress

import pytest
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser.limits import MAX_COLUMNS, MAX_PARTS, UnreadableFile
from backoffice.spreadsheets.parser.worksheet import number_of
from tests.kit.parsing import refused, rows_of, told
from tests.kit.workbooks import (
    BOOK,
    MAIN,
    NAMES,
    OFFICE,
    RELATIONSHIPS,
    SHEET,
    STYLES,
    changed,
    with_cell,
    with_parts,
    with_sheet,
    xlsx,
)


def merge(*ranges: str):
    def fill(sheet):
        for row in (["name", "price", "max"], ["a", 1, 3000], ["b", 2, None]):
            sheet.append(row)
        for area in ranges:
            sheet.merge_cells(area)

    return xlsx(fill)


@pytest.mark.parametrize(
    ("area", "where"), [("C2:C3", "C2"), ("A1:B1", "A1"), ("C2:D2", "C2"), ("A3:A9", "A3")]
)
def test_merged_cells_with_values_are_refused_by_row_and_column(area, where):
    assert refused(merge(area)) == ("merged", where)


@pytest.mark.parametrize("area", ["C3:C2", "D3:C2", "D2:C3"])
def test_import_finds_merged_cells_from_any_corner(area):
    assert refused(changed(merge("C2:C3"), SHEET, "C2:C3", area)) == ("merged", "C2")


@pytest.mark.parametrize("area", ["E1:F9", "A5:C6", "C3:D9", "A2:A2"])
def test_merged_cells_without_values_change_nothing(area):
    assert [number for number, _cells in rows_of(merge(area))] == [1, 2, 3]


def book_of(*states: str) -> bytes:
    def fill(sheet):
        sheet.append(["name"])
        sheet.parent.create_chartsheet("Chart", 0)
        for number, state in enumerate(states):
            other = sheet.parent.create_sheet(f"표 {number}")
            other.append([state])
            other.sheet_state = state
        sheet.sheet_state = "hidden"

    return xlsx(fill)


def test_sheet_that_is_visible_first_counts_and_is_named():
    content = book_of("veryHidden", "visible", "visible")
    assert rows_of(content) == [[1, ["visible"]]]
    assert (told(content)["sheet"], told(content)["sheets"]) == ("표 1", 5)


def test_workbook_without_a_visible_sheet_is_refused():
    content = changed(
        book_of("visible"), BOOK, 'name="표 0" sheetId="3" state="visible"', 'name="표" state="hidden"'
    )
    assert refused(content)[0] == "no_visible_sheet"


def test_hidden_rows_and_columns_with_values_are_reported():
    def fill(sheet):
        for _ in range(4):
            sheet.append([1, 2])
        sheet.row_dimensions[2].hidden = sheet.row_dimensions[99].hidden = True
        sheet.column_dimensions["B"].hidden = sheet.column_dimensions["Z"].hidden = True

    told_of = told(xlsx(fill))
    assert (told_of["hidden_rows"], told_of["hidden_columns"]) == (1, [2])


@pytest.mark.parametrize("how", ['hidden="1"', 'hidden="true"', 'ht="0" customHeight="1"'])
def test_row_is_hidden_or_has_no_height(how):
    assert told(with_sheet(f'{NAMES}<row r="2" {how}><c><v>1</v></c></row>'))["hidden_rows"] == 1


def test_rows_without_a_height_are_hidden_where_the_sheet_hides_by_default():
    content = with_sheet(f'{NAMES}<row r="2" hidden="0"><c><v>1</v></c></row>')
    content = changed(content, SHEET, "<sheetData>", '<sheetFormatPr zeroHeight="1"/><sheetData>')
    assert told(content)["hidden_rows"] == 1


def test_blank_rows_are_left_out_and_the_others_keep_their_numbers():
    blank = "".join(
        f'<row r="{n}"><c r="A{n}" s="0"/><c r="B{n}" t="str"><v> </v></c></row>' for n in range(3, 99)
    )
    assert rows_of(with_sheet(f'{NAMES}<row r="2"/>{blank}<row r="1048576"><c><v>5</v></c></row>')) == [
        [1, ["name"]],
        [1_048_576, [5]],
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('<row r="1000000000000"><c><v>1</v></c></row>', "row_number"),
        ('<row r="1048577"><c><v>1</v></c></row>', "row_number"),
        ('<row r="0"/>', "row_number"),
        ('<row r="-1"/>', "row_number"),
        ('<row r="2.0"/>', "row_number"),
        ('<row r="1"/>', "row_order"),
        ('<row r="3"/><row r="2"/>', "row_order"),
        ('<row r="2"><c r="A3"/></row>', "row_order"),
        ('<row r="2"><c r="A2"/><c r="A2"/></row>', "cell_twice"),
        ('<row r="2"><c r="B2"/><c r="A2"/><c r="B2"/></row>', "cell_twice"),
        ('<row r="2"><c r="XFE2"/></row>', "cell_place"),
        ('<row r="2"><c r="A99999999999"/></row>', "cell_place"),
        ('<row r="2"><c r="2"/></row>', "cell_place"),
        (f'<row r="2"><c r="{get_column_letter(MAX_COLUMNS + 1)}2"><v>1</v></c></row>', "too_many_columns"),
        ('<row r="2"><row r="3"/></row>', "damaged"),
        ('<row r="2"><c r="A2"><c r="B2"/></c></row>', "damaged"),
    ],
)
def test_row_or_a_cell_where_none_can_be_is_refused(row, code):
    assert refused(with_sheet(NAMES + row))[0] == code


def test_blanks_beyond_the_columns_of_a_table_are_ignored():
    assert len(rows_of(with_cell('<c r="A2"><v>1</v></c><c r="XFD2" s="0"/>'))) == 2


@pytest.mark.parametrize(
    "row",
    [
        '<row r="2"><x><c r="A2"><v>1</v></c></x></row>',
        '<x:AlternateContent xmlns:x="urn:x"><x:Choice><row r="2"/></x:Choice></x:AlternateContent>',
        '<x:row xmlns:x="urn:x" r="2"><c r="A2"><v>1</v></c></x:row>',
        '<row r="2"><c r="A2"><x><v>1</v></x></c></row>',
        '<row r="2"><c r="A2"><v><x>1</x></v></c></row>',
    ],
)
def test_value_inside_an_unknown_element_is_refused_and_not_read_as_nothing(row):
    assert refused(with_sheet(NAMES + row))[0] == "damaged"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_type_is_refused_in_any_encoding(encoding):
    sheet = f'<!-- --><!DOCTYPE x [<!ENTITY a "1">]><worksheet xmlns="{MAIN}"/>'
    assert refused(with_parts({SHEET: sheet.encode(encoding)}))[0] == "damaged"


@pytest.mark.parametrize("number", [1, 26, 27, 702, 703, 16_384])
def test_column_letters_convert_to_numbers_and_back(number):
    assert number_of(get_column_letter(number)) == number


def test_strict_variant_is_read_alike():
    content = with_cell('<c r="A2"><v>5</v></c>')
    for part in (SHEET, BOOK, STYLES):
        content = changed(content, part, MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")
    for part in ("_rels/.rels", RELATIONSHIPS):
        content = changed(content, part, OFFICE, "http://purl.oclc.org/ooxml/officeDocument/relationships")
    assert rows_of(content) == [[1, ["name"]], [2, [5]]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "old_excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "protected"),
        (with_parts({"mimetype": "application/vnd.oasis", "content.xml": "<a/>"}), "open_document"),
        (
            changed(xlsx(lambda _sheet: None), "_rels/.rels", "workbook.xml", "workbook.bin"),
            "binary_workbook",
        ),
        (with_parts({BOOK: "<document/>"}), "no_spreadsheet"),
        (with_parts({"_rels/.rels": "<a/>"}), "no_spreadsheet"),
        (b"PK\x05\x06" + b"\0" * 18, "no_spreadsheet"),
        (b"PK\x03\x04 no archive", "damaged"),
    ],
)
def test_file_of_another_kind_is_named_as_such(content, code):
    assert refused(content)[0] == code


@pytest.mark.parametrize("part", [SHEET, BOOK, STYLES, RELATIONSHIPS])
@pytest.mark.parametrize(
    "content", [b"", b"<", b"<a/>", b"\x00\xff", b'<?xml version="1.0" encoding="x"?><a/>']
)
def test_damaged_part_is_refused_in_words_or_not_needed(part, content):
    with suppress(UnreadableFile):
        assert rows_of(with_parts({part: content})) in ([], [[1, ["name"]]])


def test_archive_of_more_parts_than_a_workbook_has_is_refused():
    assert refused(with_parts({f"{n}": b"" for n in range(MAX_PARTS)}))[0] == "damaged"
