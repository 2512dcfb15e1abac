"""CSV files as programs and people write them."""

import csv
from string import ascii_uppercase

import pytest
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser.limits import LAST_ROW, MAX_CELL_CHARS, MAX_COLUMNS
from backoffice.spreadsheets.parser.main import MAX_RECORD_CHARS
from tests.kit.parsing import refused, rows_of


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system_are_read_and_a_cell_may_hold_lines(end):
    content = end.join(["name,price", '"두\r\n줄",1', "한 줄,2", ""]).encode()
    assert rows_of(content) == [[1, ["name", "price"]], [2, ["두\r\n줄", "1"]], [3, ["한 줄", "2"]]]


def test_line_ends_may_be_mixed():
    assert [number for number, _cells in rows_of(b"name\na\r\nb\rc\n\nd")] == [1, 2, 3, 4, 6]


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_semicolons_and_tabs_stand_for_commas_where_there_is_none(delimiter):
    content = delimiter.join(["name", "price"]) + "\n" + delimiter.join(["a", "1"])
    assert rows_of(b"\xef\xbb\xbf\n" + content.encode())[1] == [3, ["a", "1"]]


def test_semicolon_beside_commas_is_a_character():
    assert rows_of(b"name,price\na;b,1")[1] == [2, ["a;b", "1"]]


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        (b'name\n"a\nb\n', "csv_quotes", 2),
        (b'name\na\n"b"c\n', "csv_quotes", 3),
        (b'name\n"' + b"a\n" * 10_000, "csv_quotes", 2),
        (b'name\n"' + b"a\n" * 100_000, "long_cell", 2),
        (b"name\n" + b"a" * (MAX_CELL_CHARS + 1), "long_cell", 2),
        (b"a" * (16 * 2**20), "long_row", 1),
        (b"name\n" + b'"\n",' * MAX_RECORD_CHARS, "long_row", 2),
        (b"name\n" + b"," * (MAX_RECORD_CHARS + 1), "long_row", 2),
        ("name\na".encode("utf-16"), "encoding", 0),
        ("name\na".encode("utf-32"), "encoding", 0),
        (b"name\na\0b", "encoding", 0),
        (b"\xff\xfe\xfa", "encoding", 0),
        (b"name," * 50_000, "too_many_columns", 1),
        (b"name\n" + b"\n" * LAST_ROW + b"a", "row_number", 0),
    ],
    ids=range(14),
)
def test_ambiguous_text_is_refused_with_its_row(content, code, row):
    refusal, place = refused(content)
    assert (refusal, place.lstrip(ascii_uppercase)) == (code, f"{row or ''}")


def test_parsing_leaves_the_limit_of_other_readers_of_csv_in_this_process():
    rows_of(b"name\na")
    assert len(next(csv.reader(["a" * (MAX_CELL_CHARS + 1)]))[0]) == MAX_CELL_CHARS + 1


def test_column_that_a_table_does_not_have_is_refused_by_row_and_column():
    assert refused(b"name\n" + b"," * MAX_COLUMNS + b"x") == (
        "too_many_columns",
        f"{get_column_letter(MAX_COLUMNS + 1)}2",
    )
    assert len(rows_of(b"name\na" + b"," * 5_000)) == 2


def test_blank_rows_at_the_end_are_ignored_by_the_million():
    assert rows_of(b"name\na\n" + b"\n" * 2_000_000 + b",,\n \n") == [[1, ["name"]], [2, ["a"]]]


@pytest.mark.parametrize("content", ["치킨,18000,10".encode("cp949"), "Café,18000,10".encode()])
def test_import_refuses_bytes_that_are_other_letters_in_another_encoding(content):
    assert refused(b"name,price,stock\n" + content) == ("two_encodings", "")
    assert len(rows_of(b"\xef\xbb\xbfname,price,stock\n" + "Café,18000,10".encode())) == 2


@pytest.mark.parametrize(
    ("name", "encoding"), [("치킨 떡볶이", "cp949"), ("Café 라떼", "utf-8"), ("“¡Olé!”", "utf-8")]
)
def test_import_reads_letters_that_one_encoding_alone_has(name, encoding):
    assert rows_of(f"name\n{name}".encode(encoding))[1] == [2, [name]]
