"""Files on their way to rows: the process that reads them, its limits, and how many of it there are."""

import sys
import threading
from contextlib import ExitStack
from datetime import datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from backoffice.spreadsheets import importing, slots
from backoffice.spreadsheets.cells import read_cell
from backoffice.spreadsheets.columns import CellError, Formatted, column_of
from backoffice.spreadsheets.importing import parsed, preview
from backoffice.spreadsheets.parser.limits import MAX_BYTES
from backoffice.spreadsheets.refusals import TEXTS, refusal
from backoffice.spreadsheets.slots import file_slot
from coupons.models import Coupon
from tests.kit.processes import until
from tests.kit.workbooks import MAIN, NAMES, STYLES, with_cell, with_parts, with_sheet, xlsx
from users.spreadsheets import MemberSpreadsheet

SLOW = b"\n" * MAX_BYTES


def table(content: bytes) -> list:
    with parsed(content) as (_report, rows):
        return [*rows]


def test_cells_keep_their_types():
    def fill(sheet):
        sheet.append(["name", 1, 1.5, True, datetime(2026, 12, 31, 9), "#N/A"])  # noqa: DTZ001
        sheet["F1"].data_type = "e"
        sheet["A50000"] = "a"

    assert table(xlsx(fill)) == [
        [1, ["name", 1, 1.5, True, datetime(2026, 12, 31, 9), CellError("#N/A")]],  # noqa: DTZ001
        [50_000, ["a"]],
    ]


def test_amount_is_read_from_any_format_that_shows_the_same_number():
    assert read_cell(column_of(Coupon, "quantity"), Formatted(4500, is_other=False)) == 4500


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quantity", Formatted(1, is_other=True)),  # 100%
        ("name", Formatted(7, is_other=False)),  # 007
        ("name", datetime(2026, 12, 31)),  # noqa: DTZ001
        ("closes_at", Formatted(46387, is_other=False)),
    ],
)
def test_cell_that_shows_another_value_than_it_holds_is_refused(name, value):
    with pytest.raises(ValidationError):
        read_cell(column_of(Coupon, name), value)


@pytest.mark.django_db
def test_sheet_is_named_and_hidden_rows_are_reported():
    content = with_sheet(f'{NAMES}<row r="2" hidden="1"><c r="A2"><v>1</v></c></row>')
    with translation.override("en"):
        result = preview(spreadsheet=MemberSpreadsheet(), content=content)
    assert result.sheet == "Sheet: Sheet"
    assert result.notices == ["Hidden rows are imported too: 1."]


def test_refusal_names_row_and_column():
    with translation.override("en"), pytest.raises(ValidationError, match="Row 2, column A: The formula"):
        table(with_cell('<c r="A2"><f>1+1</f></c>'))


def test_file_larger_than_an_import_reads_is_refused():
    with pytest.raises(ValidationError, match="16 MB"):
        table(b"x" * (MAX_BYTES + 1))


@pytest.mark.parametrize("code", TEXTS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_refusal_has_a_text_in_each_language(code, language):
    with translation.override(language):
        (text,) = refusal(code, row=2, column=5, place="E2:E3").messages
    assert "%" not in text
    assert "E" in text


def limited(monkeypatch, limit: str) -> None:
    """Have the parser start with another limit."""
    program = importing._PARSER[4].replace(
        "from backoffice", f"from backoffice.spreadsheets.parser import limits; {limit}; from backoffice"
    )
    monkeypatch.setattr(importing, "_PARSER", [*importing._PARSER[:4], program, *importing._PARSER[5:]])


@pytest.mark.parametrize(
    "limit",
    [
        "limits.CPU_SECONDS = 1",
        pytest.param(
            "limits.MEMORY_BYTES = 30 * 2**20",
            marks=pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not hold RLIMIT_AS"),
        ),
    ],
)
def test_parser_beyond_its_limits_is_killed_by_the_kernel(monkeypatch, limit):
    limited(monkeypatch, limit)
    with pytest.raises(ValidationError) as caught:
        table(SLOW)
    assert caught.value.code == "too_much_work"


def test_import_reads_long_formats_within_a_second(monkeypatch):
    limited(monkeypatch, "limits.CPU_SECONDS = 1")
    codes = [part * (255 // len(part)) for part in ("[$", "[", "[$-", "-(", "0,", "[&lt;", "K ")] * 200
    formats = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="{code}"/>' for n, code in enumerate(codes))
    styles = f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts></styleSheet>'
    assert table(with_parts({STYLES: styles})) == [[1, ["name"]]]


def test_parser_past_its_deadline_is_ended(monkeypatch):
    monkeypatch.setattr(importing, "DEADLINE_SECONDS", 0.3)
    with pytest.raises(ValidationError) as caught:
        table(SLOW)
    assert caught.value.code == "too_much_work"


def test_parser_that_fails_is_logged_and_not_shown_to_staff(monkeypatch):
    limited(monkeypatch, "raise RuntimeError")
    with pytest.raises(ValidationError) as caught:
        table(b"name\na")
    assert caught.value.code == "damaged"


def test_parser_has_no_secret_and_no_package_of_the_shop(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "secret")
    look = "import os, importlib.util as packages"
    nothing = "assert 'SECRET_KEY' not in os.environ and not packages.find_spec('django')"
    limited(monkeypatch, f"{look}; {nothing}")
    assert table(b"name\na") == [[1, ["name"]], [2, ["a"]]]


def test_two_files_are_read_at_once_and_the_next_is_refused_as_busy(monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 0.1)
    with file_slot(), file_slot(), pytest.raises(ValidationError) as caught, file_slot():
        pass
    assert caught.value.code == "busy"
    with file_slot():  # it was given back
        pass


def test_uploads_wait_for_a_parser_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(slots, "WAIT_SECONDS", 30)
    had = []

    def wait():
        with file_slot():
            had.append(1)

    waiting = [threading.Thread(target=wait) for _ in range(slots.MAX_WAITING)]
    with ExitStack() as held:
        for _ in range(slots.MAX_AT_ONCE):
            held.enter_context(file_slot())
        for each in waiting:
            each.start()
        until(lambda: slots._queue._value == 0)
        with pytest.raises(ValidationError), file_slot():
            pass
        assert not had
    for each in waiting:
        each.join()
    assert len(had) == slots.MAX_WAITING


def test_entities_are_refused():
    laughs = f'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>{NAMES}&b;</worksheet>'
    with pytest.raises(ValidationError) as caught:
        table(with_parts({"xl/worksheets/sheet1.xml": laughs}))
    assert caught.value.code == "damaged"
