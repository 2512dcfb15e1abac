"""Numbers that a spreadsheet shows otherwise than it holds them."""

import io

import openpyxl
import pytest

from tests.kit.files import COUPONS, PRODUCTS, preview, wrong


def formatted(heads, row, cell, number_format):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for cells in (heads, row):
        book.active.append(cells)
    book.active[cell].number_format = number_format
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("number_format", ["0%", "0.00%", "#,##0,"])
def test_discount_that_is_shown_as_100_percent_does_not_become_1(admin_client, number_format):
    heads = ("name", "discount_type", "discount_value", "quantity")
    content = formatted(heads, ("all of it", "PERCENT", 1, 10), "C2", number_format)
    ((row, errors),) = wrong(preview(admin_client, COUPONS, content, language="en")).items()
    assert row == 2
    assert "This cell shows something else than it holds" in str(errors)


@pytest.mark.parametrize(
    ("number_format", "price"),
    [
        ("[h]:mm", 1),
        ("h:mm", 0.375),
        ("yyyy-mm-dd", 0),
        ('0"000"', 5),
        ('0"천개"', 5),
        ("0;-0;;@", 0),
        (";;;", 5),
    ],
)
def test_import_refuses_a_price_that_its_cell_shows_as_something_else(admin_client, number_format, price):
    content = formatted(("name", "price", "stock"), ("tea", price, 1), "B2", number_format)
    found = wrong(preview(admin_client, PRODUCTS, content, language="en"))
    assert "This cell shows something else than it holds" in found[2]["Price"][0]


def test_name_that_is_shown_as_007_does_not_become_7(admin_client):
    content = formatted(("name", "price", "stock"), (7, 1000, 1), "A2", "000")
    assert "does not hold the text that it shows" in str(
        wrong(preview(admin_client, PRODUCTS, content, language="en"))
    )


@pytest.mark.parametrize("name", [4500.4, 0.30000000000000004, 1.5, 100_000_000_000, 1e300])
def test_import_refuses_a_name_that_is_a_number_shown_by_other_digits(admin_client, name):
    content = formatted(("name", "price", "stock"), (name, 1000, 1), "A2", "0")
    found = wrong(preview(admin_client, PRODUCTS, content, language="en"))
    assert "does not hold the text that it shows" in found[2]["Product name"][0]


def test_import_reads_a_name_that_is_a_whole_number(admin_client):
    page = preview(admin_client, PRODUCTS, formatted(("name", "price", "stock"), (1984, 1, 1), "A2", "0"))
    assert "<td>1984</td>" in page.content.decode()


def test_price_may_have_separators(admin_client):
    content = formatted(("name", "price", "stock"), ("tea", 4500, 1), "B2", "#,##0")
    assert not wrong(preview(admin_client, PRODUCTS, content))
