"""What the cells of an XLSX file show is what is read, or the file is refused by row and column."""

from datetime import datetime

import pytest

from tests.kit.parsing import cell_of, refused, rows_of
from tests.kit.workbooks import BOOK, NAMES, SHEET, changed, with_cell, with_sheet, with_strings, xlsx


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
        ('<c r="A2" t="s"/>', None),
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
        '<c r="A2">3000</c>',
        '<c r="A2"><v>3</v>000</c>',
        '<c r="A2"><is><t>3000</t></is></c>',
        '<c r="A2" t="inlineStr"><v>3000</v></c>',
        '<c r="A2" t="inlineStr"><is>3000</is></c>',
        '<c r="A2" t="inlineStr"><is><x><t>3000</t></x></is></c>',
        '<c r="A2" t="inlineStr"><is><t>3<b/>000</t></is></c>',
        '<c r="A2" t="inlineStr"><is><r><t>3</t>000</r></is></c>',
        '<c r="A2" t="e"/>',
        '<c r="A2" t="b"><v/></c>',
        '<c r="A2" t="s"><v/></c>',
        f'<c r="A2"><v>{"9" * 5000}</v></c>',
    ],
)
def test_import_refuses_a_cell_that_cannot_be_read_by_row_and_column(cell):
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
    "text", ["<si>김</si>", "<si><x><t>김</t></x></si>", "<si><t>김<b/>하나</t></si>", "<x/>"]
)
def test_import_refuses_shared_texts_that_cannot_be_read(text):
    content = with_cell('<c r="A2" t="s"><v>0</v></c>')
    assert refused(with_strings(f"{text}</sst>", sound=content))[0] == "damaged"


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


def test_comments_inside_a_value_are_not_part_of_it():
    assert cell_of('<c r="A2"><v>4<!-- -->50<?x?>0</v></c>') == 4500
