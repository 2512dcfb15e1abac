"""What the cells of an XLSX file show is what is read, or the file is refused by row and column."""

import io
import json
from contextlib import suppress
from datetime import datetime

import pytest
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser.limits import MAX_COLUMNS, MAX_PARTS, Refused
from backoffice.spreadsheets.parser.main import parse
from backoffice.spreadsheets.parser.sheet import number_of
from backoffice.spreadsheets.parser.styles import is_date, kind_of
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
    with_strings,
    xlsx,
)


def rows_of(content: bytes) -> list:
    """The rows as the parser hands them on, each with its number."""
    output = io.BytesIO()
    parse(content, output)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def told(content: bytes) -> dict:
    return parse(content, io.BytesIO())


def refused(content: bytes) -> tuple[str, str]:
    """Why it is refused, and where."""
    with pytest.raises(Refused) as caught:
        told(content)
    column = caught.value.column
    return caught.value.code, f"{get_column_letter(column) if column else ''}{caught.value.row or ''}"


def cell_of(cell: str):
    """What one cell below a heading is read as."""
    rows = rows_of(with_cell(cell))
    return rows[1][1][0] if len(rows) > 1 else None


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A2"><v>4500</v></c>', 4500),
        ('<c r="A2" t="n"><v>1.5E3</v></c>', 1500.0),
        ('<c r="A2" t="b"><v>1</v></c>', True),
        ('<c r="A2" t="str"><f>"a"</f><v>a</v></c>', "a"),
        ('<c r="A2" t="str"><f>""</f><v></v></c>', None),
        ('<c r="A2"><f t="shared" si="0"/><v>3</v></c>', 3),
        ('<c r="A2"><f t="array" ref="A2">B2:B3</f><v>3</v></c>', 3),
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', {"error": "#DIV/0!"}),
        ('<c r="A2" t="inlineStr"><is><r><t>김</t></r><r><t>하나</t></r></is></c>', "김하나"),
        ('<c r="A2" t="inlineStr"><is><t>漢</t><rPh sb="0" eb="1"><t>한</t></rPh></is></c>', "漢"),
        ('<c r="A2" t="inlineStr"><is><t>a_x000D_b_x005F_x0041_</t></is></c>', "a\rb_x0041_"),
        ('<c r="A2" t="d"><v>2026-12-31T09:00:00</v></c>', "2026-12-31T09:00:00"),
        ("<c><v>1</v></c>", 1),
        ('<c r="A2" s="0"/>', None),
        ('<c r="A2"><v/></c>', None),
    ],
)
def test_cell_of_each_kind_is_read_as_it_is_shown(cell, value):
    assert cell_of(cell) == value


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A2"><f>1000*5</f></c>',
        '<c r="A2"><f>1000*5</f><v/></c>',
        '<c r="A2" t="n"><f>1000*5</f><v></v></c>',
        '<c r="A2" t="str"><f>"a"</f></c>',
        '<c r="A2"><f t="shared" si="0"/></c>',
        '<c r="A2"><f t="array" ref="A2:A3">B2:B3</f></c>',
        '<c r="A2" t="b"><f>TRUE()</f></c>',
    ],
)
def test_formula_without_a_value_is_refused_by_row_and_column(cell):
    assert refused(with_cell(cell)) == ("not_calculated", "A2")


def test_formula_value_that_was_never_calculated_is_refused():
    """Some libraries write 0 beside each formula, and have the next program calculate."""
    content = with_cell('<c r="A2"><f>1000*5</f><v>0</v></c>')
    assert rows_of(content)[1] == [2, [0]]
    content = changed(content, BOOK, 'calcId="124519"', 'fullCalcOnLoad="1"')
    assert refused(content) == ("not_calculated", "A2")


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A2" t="s"><v>99</v></c>',
        '<c r="A2" t="s"><v>-1</v></c>',
        '<c r="A2" t="s"><v>x</v></c>',
        '<c r="A2"><v>1_000</v></c>',
        '<c r="A2"><v>nan</v></c>',
        '<c r="A2"><v>1e999</v></c>',
        '<c r="A2"><v>１２</v></c>',
        '<c r="A2" t="b"><v>2</v></c>',
        '<c r="A2" t="?"><v>1</v></c>',
        f'<c r="A2"><v>{"9" * 5000}</v></c>',
    ],
)
def test_cell_that_cannot_be_read_is_refused_by_row_and_column(cell):
    assert refused(with_cell(cell)) == ("cell_value", "A2")


TEXTS = "<si><t>김</t></si><si><r><t>하</t></r><r><t>나</t></r></si><si/></sst>"


@pytest.mark.parametrize(("number", "text"), [("0", "김"), ("1", "하나"), ("2", None)])
def test_shared_text_is_found_by_its_number(number, text):
    cell = f'<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="s"><v>{number}</v></c></row>'
    content = with_strings(TEXTS, sound=with_sheet(cell))
    assert rows_of(content)[0][1] == ([1, text] if text else [1])


@pytest.mark.parametrize("number", ["3", "-1", "99999999999", "0.0"])
def test_shared_text_that_is_missing_is_refused_by_row_and_column(number):
    content = with_cell(f'<c r="A2" t="s"><v>{number}</v></c>')
    assert refused(with_strings(TEXTS, sound=content)) == ("cell_value", "A2")


@pytest.mark.parametrize(
    ("serial", "day"), [(59, (1900, 2, 28)), (61, (1900, 3, 1)), (46387, (2026, 12, 31))]
)
def test_dates_count_from_1900(serial, day):
    content = xlsx(lambda sheet: sheet.append([datetime(2000, 1, 1)]))  # noqa: DTZ001
    assert rows_of(changed(content, SHEET, "36526", f"{serial}.5"))[0][1] == [
        {"date": datetime(*day, 12).isoformat()}  # noqa: DTZ001
    ]


def test_dates_count_from_1904_where_the_workbook_says_so():
    content = xlsx(lambda sheet: sheet.append([datetime(2000, 1, 1)]))  # noqa: DTZ001
    content = changed(content, BOOK, "<workbookPr />", '<workbookPr date1904="1"/>')
    assert rows_of(content)[0][1] == [{"date": "2004-01-02T00:00:00"}]


@pytest.mark.parametrize("serial", ["60", "2958466", "1e300"])
def test_day_beyond_the_calendar_is_refused(serial):
    content = xlsx(lambda sheet: sheet.append([datetime(2000, 1, 1)]))  # noqa: DTZ001
    assert refused(changed(content, SHEET, "36526", serial)) == ("cell_value", "A1")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("yyyy-mm-dd", True),
        ("h:mm AM/PM", True),
        ('yyyy"년" m"월"', True),
        ("[$-412]yyyy", True),
        ("General", False),
        ("0.00", False),
        ('0"days"', False),
        ("[Red]0", False),
        (r"0\d", False),
        ("[h]:mm", False),
        ("#,##0;[Red]-#,##0", False),
    ],
)
def test_format_of_a_date_is_recognised(code, expected):
    assert is_date(code) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("General", "plain"),
        ("@", "plain"),
        ("000", "dressed"),
        ("#,##0", "dressed"),
        ("_-* #,##0_-", "dressed"),
        ('0"%"', "dressed"),
        ("0%", "scaled"),
        ("0.00 %;[Red]-0.00 %", "scaled"),
        ("#,##0,", "scaled"),
        ('#,##0,,"백만"', "scaled"),
        ("0.0,", "scaled"),
        ("yyyy-mm-dd", "date"),
    ],
)
def test_format_that_changes_digits_is_recognised(code, expected):
    assert kind_of(code) == expected


@pytest.mark.parametrize(("code", "is_scaled"), [("000", False), ("0%", True), ("#,##0,", True)])
def test_number_that_is_shown_otherwise_is_reported(code, is_scaled):
    def fill(sheet):
        sheet.append([7])
        sheet["A1"].number_format = code

    assert rows_of(xlsx(fill))[0][1] == [{"number": 7, "scaled": is_scaled}]


@pytest.mark.parametrize("others", ["", '<row r="3"><c r="A3"/></row>'])
@pytest.mark.parametrize("kind", ["array", "dataTable"])
def test_formula_that_fills_other_cells_is_refused_where_they_lack_a_value(kind, others):
    first = f'<row r="2"><c r="A2"><f t="{kind}" ref="A2:A3">B1:B2</f><v>1</v></c></row>'
    assert refused(with_sheet(f"{NAMES}{first}{others}")) == ("not_calculated", "A2")


@pytest.mark.parametrize(("cell", "value"), [("<v>2</v>", [[3, [2]]]), ("<v></v>", [])])
def test_formula_that_filled_other_cells_is_read(cell, value):
    first = '<row r="2"><c r="A2"><f t="array" ref="A2:A3">B1:B2</f><v>1</v></c></row>'
    content = with_sheet(f'{NAMES}{first}<row r="3"><c r="A3" t="str">{cell}</c></row>')
    assert rows_of(content) == [[1, ["name"]], [2, [1]], *[[3, ["2"]] for _ in value]]


def test_workbook_with_unfinished_calculation_is_refused():
    content = with_cell('<c r="A2"><f>1+1</f><v>2</v></c>')
    unfinished = changed(content, BOOK, "<calcPr ", '<calcPr calcCompleted="0" ')
    assert refused(unfinished) == ("not_calculated", "A2")


@pytest.mark.parametrize(
    "cell", ["<v>5</v><v/>", "<v>5</v><is><t/></is>", "<is><t>5</t></is><v/>", "<v/><is><t>5</t></is>"]
)
def test_cell_with_two_values_is_refused(cell):
    assert refused(with_cell(f'<c r="A2">{cell}</c>')) == ("cell_value", "A2")


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
        '<row r="2"><c r="A2"><x><v>1</v></x></c></row>',
        '<row r="2"><c r="A2"><v><x>1</x></v></c></row>',
    ],
)
def test_value_inside_an_unknown_element_is_refused_and_not_read_as_nothing(row):
    assert refused(with_sheet(NAMES + row))[0] == "damaged"


def test_comments_inside_a_value_are_not_part_of_it():
    assert cell_of('<c r="A2"><v>4<!-- -->50<?x?>0</v></c>') == 4500


def test_format_of_a_condition_is_no_format_of_cells():
    def fill(sheet):
        sheet.append([7])
        sheet["A1"].number_format = "#,##0.0"

    content = xlsx(fill)
    condition = '<dxfs count="1"><dxf><numFmt numFmtId="164" formatCode="0%"/></dxf></dxfs>'
    content = changed(content, STYLES, "</styleSheet>", f"{condition}</styleSheet>")
    assert rows_of(content)[0][1] == [{"number": 7, "scaled": False}]


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
    with suppress(Refused):
        assert rows_of(with_parts({part: content})) in ([], [[1, ["name"]]])


def test_archive_of_more_parts_than_a_workbook_has_is_refused():
    assert refused(with_parts({f"{n}": b"" for n in range(MAX_PARTS)}))[0] == "damaged"
