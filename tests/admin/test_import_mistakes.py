"""Files with mistakes: refused as a whole, each mistake by its row and column."""

import unicodedata

import pytest

from backoffice.spreadsheets.models import Upload
from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.kit.files import COUPONS, MEMBERS, PRODUCTS, as_csv, as_xlsx, bring, confirm, preview, wrong

pytestmark = pytest.mark.django_db

HEAD = ("name", "price", "stock")


@pytest.mark.parametrize(
    "content",
    [
        "name,price,stock\nx,1,1".encode("utf-16"),
        b"\xff\xfe\xfa",
        b"name,price,stock\na\0b,1,1",
        b"PK\x03\x04 no archive",
        as_xlsx(HEAD)[:-400],
        b'name,price,stock\n"' + b"x" * 20_000,
    ],
    ids=["UTF-16", "garbage", "NUL", "no archive", "cut off", "endless cell"],
)
def test_file_that_cannot_be_read_is_refused_in_words(admin_client, content):
    page = preview(admin_client, PRODUCTS, content)
    assert page.status_code == 200
    (said,) = wrong(page)
    assert said
    assert "confirm_form" not in page.context


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (("name", "price"), "재고"),
        (("이름", "price", "stock"), "이름"),
        (("name", "price", "price", "stock"), "가격"),
    ],
    ids=["missing", "unknown", "twice"],
)
def test_wrong_column_is_named_before_any_row(admin_client, head, name):
    page = preview(admin_client, PRODUCTS, as_csv(head, ["", "x", "y", "z"][: len(head)]))
    (said,) = wrong(page)
    assert f": {name}." in said
    assert f">{said}<" in page.content.decode()


NUMBERS = [
    "1_000",
    "１２",
    "1e3",
    "12.5",
    "4,500",
    "4.000",
    "4.500.000",
    "",
    "-1",
    "9223372036854775808",
    "0x1",
    "nan",
]


@pytest.mark.parametrize("price", NUMBERS)
def test_bad_number_is_refused_with_its_row_and_column(admin_client, price):
    page = preview(admin_client, PRODUCTS, as_csv(HEAD, ("가", 1, 1), ("b", price, 1)))
    (row,) = wrong(page)
    assert row == 3
    assert set(wrong(page)[3]) <= {"가격", ""}
    assert "3" in page.content.decode()


@pytest.mark.parametrize("price", [12.5, 1e20, True, "#REF!", float(2**60)])
def test_excel_s_fractions_errors_and_inexact_numbers_are_refused(admin_client, price):
    assert set(wrong(preview(admin_client, PRODUCTS, as_xlsx(HEAD, ("a", price, 1))))[2]) == {"가격"}


@pytest.mark.parametrize("price", [10**15, -(10**15), 2**63 - 1, 1e20])
def test_import_says_that_excel_does_not_keep_all_digits_of_a_number(admin_client, price):
    found = wrong(preview(admin_client, PRODUCTS, as_xlsx(HEAD, ("a", price, 1)), language="en"))
    assert "Excel keeps fifteen digits" in found[2]["Price"][0]


def test_mistake_in_one_row_refuses_the_file(admin_client):
    assert (
        "confirm_form" not in preview(admin_client, PRODUCTS, as_csv(HEAD, ("a", 1, 1), ("", 1, 1))).context
    )
    assert not Product.objects.exists()


def test_same_file_again_is_refused_where_it_would_double_the_shop(admin_client):
    content = as_csv(HEAD, ("a", 1, 1))
    bring(admin_client, PRODUCTS, content)
    (said,) = wrong(preview(admin_client, PRODUCTS, content))[2]["상품명"]
    assert str(Product.objects.get().pk) in said


def test_rows_with_the_same_id_or_the_same_new_name_are_refused(admin_client):
    product = ProductFactory()
    twice = [(product.pk, "a", 1, 1), (product.pk, "b", 1, 1), ("", "c", 1, 1), ("", "c", 1, 1)]
    assert set(wrong(preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), *twice)))) == {3, 5}


@pytest.mark.parametrize("number", ["4.000", "+4.000", "-4.000000"])
@pytest.mark.parametrize("name", ["id", "price", "stock_change"])
def test_import_with_semicolons_refuses_a_dot_that_may_separate_thousands(admin_client, name, number):
    product = ProductFactory()
    row = {"id": product.pk, "price": 1, "stock_change": "", "reason": "x", name: number}
    content = as_csv(row, row.values()).replace(b",", b";")
    found = wrong(preview(admin_client, PRODUCTS, content, language="en"))[2]
    assert f"“{number}” is not a whole number" in str(found)


@pytest.mark.parametrize("row_id", ["0", "-1", "1000000000001", "x", "1.5"])
def test_id_that_none_could_have_is_refused(admin_client, row_id):
    assert set(wrong(preview(admin_client, PRODUCTS, as_csv(("id", *HEAD), (row_id, "a", 1, 1))))[2]) == {
        "id"
    }


def test_id_that_the_shop_itself_gave_is_read_however_large(admin_client):
    product = ProductFactory(pk=10**12 + 1, price=1)
    bring(admin_client, PRODUCTS, as_csv(("id", "price"), (product.pk, 2)))
    product.refresh_from_db()
    assert product.price == 2


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_choice_is_read_as_any_system_writes_hangul(admin_client, form):
    row = ("가", unicodedata.normalize(form, "정률"), 10, 5)
    bring(admin_client, COUPONS, as_csv(("name", "discount_type", "discount_value", "quantity"), row))
    assert Coupon.objects.get().discount_type == "percent"


def test_coupon_s_quantity_never_falls_below_what_is_issued(admin_client):
    coupon = CouponFactory(quantity=5)
    Coupon.objects.filter(pk=coupon.pk).update(issued=3)
    head = ("id", "name", "discount_type", "discount_value", "quantity")
    assert 2 in wrong(preview(admin_client, COUPONS, as_csv(head, (coupon.pk, "a", "fixed", 1, 2))))
    page = preview(admin_client, COUPONS, as_csv(head, (coupon.pk, "a", "fixed", 1, 3)))
    Coupon.objects.filter(pk=coupon.pk).update(issued=4)
    refused = confirm(admin_client, COUPONS, page)
    assert 2 in wrong(refused)
    assert Coupon.objects.get().quantity == 5


@pytest.mark.parametrize(
    "terms", [("percent", 101, ""), ("fixed", 10, 5), ("fixed", 0, ""), ("percent", 5, 0), ("반값", 5, "")]
)
def test_row_that_the_database_would_refuse_is_refused_in_the_preview(admin_client, terms):
    head = ("name", "quantity", "discount_type", "discount_value", "max_discount")
    found = wrong(preview(admin_client, COUPONS, as_csv(head, ("a", 1, *terms))))
    assert set(found) == {2}
    assert "_" not in "".join(text for texts in found[2].values() for text in texts)


@pytest.mark.parametrize(
    ("moment", "is_read"),
    [
        ("2026-11-22 09:00:00+16:00", True),
        ("2026-11-22 09:00:00-23:59", True),
        ("0001-01-01 00:00", False),
        ("9999-12-31 23:59:59-23:59", False),
    ],
)
def test_import_reads_a_time_with_any_offset_or_refuses_it_in_words(admin_client, moment, is_read):
    head = ("name", "discount_type", "discount_value", "quantity", "opens_at")
    page = preview(admin_client, COUPONS, as_csv(head, ("a", "fixed", 1, 1, moment)), language="en")
    assert set(wrong(page).get(2, ())) == (set() if is_read else {"Opens"})
    assert page.status_code == 200


def test_mistakes_beyond_a_number_are_only_counted(admin_client):
    page = preview(admin_client, PRODUCTS, as_csv(HEAD, *[(f"{n}", "x", 1) for n in range(2000)]))
    assert len(wrong(page)) == 100


@pytest.mark.parametrize("extra", [("a", 1, 1, 1), ("a", 4, 500, 1)])
def test_row_with_more_cells_than_columns_is_refused(admin_client, extra):
    assert set(wrong(preview(admin_client, PRODUCTS, as_csv(HEAD, extra)))) == {2}


@pytest.mark.parametrize("content", [b"", as_csv(HEAD), as_csv(()), as_xlsx()], ids=range(4))
def test_file_without_rows_is_refused(admin_client, content):
    assert wrong(preview(admin_client, PRODUCTS, content))


def test_mistakes_are_shown_in_the_reader_s_language(admin_client):
    content = as_csv(HEAD, ("a", "x", 1))
    korean, english = (
        wrong(preview(admin_client, PRODUCTS, content, language=each)) for each in ("ko", "en")
    )
    assert set(korean[2]) == {"가격"}
    assert set(english[2]) == {"Price"}


def test_file_that_is_wrong_is_not_kept(admin_client):
    preview(admin_client, MEMBERS, as_csv(["nome"], ["김하나"]))
    preview(admin_client, MEMBERS, b"PK")
    assert not Upload.objects.exists()


def test_cell_that_shows_something_is_never_read_as_empty(admin_client):
    head = ("name", "discount_type", "discount_value", "quantity", "max_discount", "closes_at")
    formulas = as_xlsx(head, ("반값", "percent", 50, 100, "=1000*5", "=DATE(2026,12,31)"))
    assert wrong(preview(admin_client, COUPONS, formulas)) == [
        "2행 E열: 이 칸의 수식이 아직 계산되지 않았어요. 파일을 엑셀에서 열어 저장한 뒤 다시 올려 주세요."
    ]


@pytest.mark.parametrize(
    "text", ["#N/A", "#FIELD!", "#BUSY!", "#CONNECT!", "#GETTING_DATA", "#PYTHON!", "##", "########"]
)
def test_import_refuses_a_text_of_a_cell_that_showed_no_value(admin_client, text):
    found = wrong(preview(admin_client, PRODUCTS, as_csv(HEAD, (text, 1, 1)), language="en"))
    assert "failed in Excel, or its column was too narrow" in found[2]["Product name"][0]
    assert not wrong(preview(admin_client, PRODUCTS, as_csv(HEAD, (f"'{text}", 1, 1), ("#1", 1, 1))))


def test_cell_whose_formula_failed_is_shown_as_in_the_file(admin_client):
    page = preview(admin_client, PRODUCTS, as_xlsx(HEAD, ("a", "#REF!", 1)))
    assert "<td>#REF!</td>" in page.content.decode()
