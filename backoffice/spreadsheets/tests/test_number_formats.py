"""What number formats show of a cell: its value, or something else, which no import reads as the value."""

import pytest

from backoffice.spreadsheets.parser.formats import BUILT_IN, kinds_of
from tests.kit.parsing import refused, rows_of
from tests.kit.workbooks import STYLES, changed, xlsx

OTHER = [{"number": 7, "other": True}]


def formatted(code: str, value: object = 7) -> bytes:
    def fill(sheet):
        sheet.append([value])
        sheet["A1"].number_format = code

    return xlsx(fill)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("yyyy-mm-dd", "date"),
        ("yyyy\\-mm\\-dd;@", "date"),
        ("h:mm AM/PM", "date"),
        ('yyyy"년" m"월"', "date"),
        ('"x;y"yyyy', "date"),
        (r"dddd\,\ mmmm\ dd\.", "date"),
        ("[$-412]yyyy", "date"),
        ("General", "plain"),
        ("G/표준", "plain"),
        ("", "plain"),
        ("@", "plain"),
        ("0;-0;;@", "plain"),
        ("000", "dressed"),
        ("0.00", "dressed"),
        ('0"days"', "dressed"),
        ("[Red]0", "dressed"),
        (r"0\d", "dressed"),
        ("#,##0", "dressed"),
        ("#,##0;[Red]-#,##0", "dressed"),
        ("_-* #,##0_-", "dressed"),
        ("[$₩-412]#,##0", "dressed"),
        ('#,##0"원"', "dressed"),
        ('"A-"0', "dressed"),
        ('0"%"', "dressed"),
        ('[=0]"-";#,##0', "dressed"),
    ],
)
def test_import_knows_formats_that_show_the_number(code, expected):
    assert kinds_of(code).positive == expected


@pytest.mark.parametrize(
    "code",
    [
        *("0%", "0.00 %;[Red]-0.00 %", "#,##0,", '#,##0,,"백만"', "0.0,", "[<1]0%;0"),
        *("[h]:mm", "[mm]", "[$-412][h]:mm:ss"),
        *('0"000"', '0",000"', r"0\,000", "10", "0*0", "0[$000]", r"1\50"),
        '"２"0',
        *(";;;", '"Mocha"', '"0"', "aaaa", "e"),
        *("_0", "-0", r"\-0", "[$₩-412]-#,##0", 'yyyy"-01-01"', "0" * 256),
        *("0[", '0"', "[$[만]0"),
    ],
)
def test_import_knows_formats_that_show_something_else(code):
    assert kinds_of(code).positive == "other"
    assert rows_of(formatted(code))[0][1] == OTHER


@pytest.mark.parametrize(
    "code",
    [
        *('0"만"', r"0\만\원", '0"만장"', '0"천개"', '0"만명"', '0" 십만 "', '0"만KRW"', '0"만원(VAT 별도)"'),
        *('0"원(단위: 천)"', '0"KRW천"', '"백만 "0', 'General"만"', 'G/표준"억"', '0"\u1106\u1161\u11ab"'),
        *('0"다스"', '0"K"', '0"M"', '0"k원"', '0"K KRW"', '0"kKRW"', '0"bn"', '0"Ｋ"', 'General"K"'),
        *('0" thousand"', '0" Millions"', '0" dozen"', "0‰", '0"‱"', '0"×10^3"'),
    ],
)
def test_import_knows_formats_that_multiply_the_number(code):
    assert rows_of(formatted(code))[0][1] == OTHER


@pytest.mark.parametrize(
    "unit", ["원", "개", "장", "명", "보조", "KRW", "$", "€", "pcs", "kg", "㎞", "ml", "kcal", "box"]
)
def test_import_knows_units_that_do_not_multiply_the_number(unit):
    assert kinds_of(f'0"{unit}"').positive == "dressed"


@pytest.mark.parametrize(
    ("code", "value", "is_shown"),
    [
        ("0;-0;;@", 0, False),
        ("#,###", 0, False),
        ("#", 0, False),
        ('0;-0;"none"', 0, False),
        ("0;", -7, False),
        ("0;0", -7, False),
        ("#,##0;[Red]#,##0", -7, True),
        ("#,##0_);(#,##0)", -7, True),
        ('_-[$₩-412]* #,##0_-;-* #,##0_-;_-[$₩-412]* "-"??_-;_-@_-', 0, True),
        ("[Blue]#,##0", 0, True),
    ],
)
def test_import_takes_the_section_of_a_format_that_the_number_has(code, value, is_shown):
    assert rows_of(formatted(code, value))[0][1] == [{"number": value, "other": not is_shown}]


@pytest.mark.parametrize(
    ("code", "value"),
    [("h:mm", 0.375), ("mm:ss", 0.02), ("[h]:mm:ss", 1), ("yyyy-mm-dd", 0), ("yyyy-mm-dd", -5)],
)
def test_import_takes_no_time_without_a_day_for_a_number(code, value):
    assert rows_of(formatted(code, value))[0][1] == [{"number": value, "other": True}]


def test_import_knows_the_formats_that_excel_has_by_number():
    assert [BUILT_IN[number].positive for number in (2, 9, 14, 20, 46)] == [
        *("dressed", "other", "date", "date", "other")
    ]


@pytest.mark.parametrize("code", [";;;", '"(season) "@', '0;0;0;"Mocha"', "@@", "0;0;0;", "@*.", '"@"@'])
def test_import_refuses_a_text_that_its_format_hides_or_adds_to(code):
    assert refused(formatted(code, "Mocha")) == ("cell_format", "A1")


@pytest.mark.parametrize("code", ["General", "@", "000", "0%", "[Red]@", ";;;@", "_-@_-", "yyyy-mm-dd;@"])
def test_import_reads_a_text_that_its_format_shows(code):
    assert rows_of(formatted(code, "Mocha"))[0][1] == ["Mocha"]


@pytest.mark.parametrize(("code", "is_other"), [("000", False), ("0%", True), ("#,##0,", True)])
def test_number_that_is_shown_otherwise_is_reported(code, is_other):
    assert rows_of(formatted(code))[0][1] == [{"number": 7, "other": is_other}]


@pytest.mark.parametrize("style", ["01", "+1", " 1"])
def test_import_finds_the_format_of_a_cell_however_its_number_is_written(style):
    content = changed(formatted("0%"), "xl/worksheets/sheet1.xml", 's="1"', f's="{style}"')
    assert rows_of(content)[0][1] == OTHER


def test_import_finds_a_format_however_its_number_is_written():
    content = changed(formatted("0.0%"), STYLES, 'numFmtId="164" fontId', 'numFmtId="0164" fontId')
    assert rows_of(content)[0][1] == OTHER


def test_format_of_a_condition_is_no_format_of_cells():
    condition = '<dxfs count="1"><dxf><numFmt numFmtId="164" formatCode="0%"/></dxf></dxfs>'
    content = changed(formatted("#,##0.0"), STYLES, "</styleSheet>", f"{condition}</styleSheet>")
    assert rows_of(content)[0][1] == [{"number": 7, "other": False}]
