"""Exports: safe to open in a spreadsheet, and taken back by an import as they are."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from backoffice import action_log
from backoffice.spreadsheets import exports
from backoffice.spreadsheets.cells import read_cell
from backoffice.spreadsheets.columns import column_of
from backoffice.spreadsheets.parser.workbook import unescaped
from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.kit.database import execute
from tests.kit.files import COUPONS, MEMBERS, PRODUCTS, bring, fetch, preview, rows_of, summary

# Exports read in a transaction of their own.
pytestmark = pytest.mark.django_db(transaction=True)

FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")'),
    *("＝1+1", "＋1", "－1", "＠SUM(A1)", "﹦1", "−1"),  # in other widths, which Excel makes the same
    *("\n=1", "\r=1", "\t=1", " =1", "\u3000=1", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x0b=1"),
    *("\na", " a ", "a\n", "\ta"),
    *("'=1", "''＝1", "' a"),
    *("#N/A", "#n/a", "'#DIV/0!", "####"),  # XLSX and Excel have these for what failed or is too narrow
]


def named(*names: str) -> None:
    """Members whose names SQL wrote: the ORM would trim them."""
    execute("INSERT INTO users_user (name) SELECT unnest(%s::text[])", [*names])


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_names_that_a_spreadsheet_would_run_or_trim_survive_export_and_import(admin_client, kind):
    named(*FORMULAS)
    content = fetch(admin_client, MEMBERS, kind)
    assert [unescaped(name) for _id, name, *_more in rows_of(content)[1:]] == [
        f"'{name}" for name in FORMULAS
    ]
    page = preview(admin_client, MEMBERS, content)
    assert summary(page.context["result"]) == f"0-0-{len(FORMULAS)}", page.context["result"].rows


@pytest.mark.parametrize("name", ["a=1", "'a", "1-1", "a@b", "—", "(=1)"])
def test_plain_names_are_written_as_they_are(name):
    column = column_of(Product, "name")
    assert column.write(name, typed=False) == name
    assert read_cell(column, name) == name


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_export_in_a_language_is_imported_as_unchanged(admin_client, kind, language):
    ProductFactory.create_batch(3)
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    CouponFactory(fixed=True, opens_at=moment, closes_at=moment.replace(month=12, day=9, microsecond=7))
    CouponFactory(max_discount=3000)
    for table, counts in ((PRODUCTS, "0-0-3"), (COUPONS, "0-0-2")):
        content = fetch(admin_client, table, kind, language=language)
        assert summary(preview(admin_client, table, content).context["result"]) == counts


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("price", [10**15 - 1, 10**15, 2**63 - 1])
def test_import_reads_an_exported_price_of_any_size_as_unchanged(admin_client, kind, price):
    ProductFactory(price=price)
    content = fetch(admin_client, PRODUCTS, kind)
    assert summary(preview(admin_client, PRODUCTS, content).context["result"]) == "0-0-1"


def test_export_brings_everything_back_into_an_empty_shop(admin_client):
    CouponFactory(fixed=True, closes_at=datetime(2027, 1, 1, tzinfo=UTC))
    product = ProductFactory()
    tables = {PRODUCTS: fetch(admin_client, PRODUCTS, "csv"), COUPONS: fetch(admin_client, COUPONS, "xlsx")}
    before = [[*model.objects.values_list("id", "name")] for model in (Product, Coupon)]
    Product.objects.all().delete()
    Coupon.objects.all().delete()
    for table, content in tables.items():
        bring(admin_client, table, content)
    assert [[*model.objects.values_list("id", "name")] for model in (Product, Coupon)] == before
    assert ProductFactory().pk > product.pk


def test_csv_file_says_to_excel_that_it_is_utf_8_and_has_korean_headings(admin_client):
    ProductFactory(name="아메리카노")
    content = fetch(admin_client, PRODUCTS, "csv")
    assert content.startswith(b"\xef\xbb\xbfid,")
    assert rows_of(content)[0] == ["id", "상품명", "가격", "재고", "누적 판매량", "등록 시각"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_leaves_an_entry_in_the_log_with_the_file_s_name(admin_client, kind):
    fetch(admin_client, MEMBERS, kind)
    entry = LogEntry.objects.get()
    assert entry.object_repr.startswith("User-")
    assert entry.object_repr in action_log.describe(entry)


def test_xlsx_file_has_numbers_as_numbers(admin_client):
    product = ProductFactory(price=4500, stock=7)
    assert rows_of(fetch(admin_client, PRODUCTS, "xlsx"))[1][:4] == [product.pk, product.name, 4500, 7]


def test_list_s_search_and_filters_count(admin_client):
    CouponFactory(fixed=True)
    CouponFactory()
    content = fetch(admin_client, COUPONS, "csv", query="?discount_type__exact=fixed")
    assert [row[2] for row in rows_of(content)[1:]] == ["정액"]


def test_export_of_more_rows_than_an_xlsx_file_has_is_refused_in_words(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "MAX_ROWS", 1)
    ProductFactory.create_batch(2)
    page = admin_client.post(reverse("admin:products_product_export"), {"format": "1"})
    assert "CSV" in str(next(iter(page.context["messages"])))
    assert len(rows_of(fetch(admin_client, PRODUCTS, "csv"))) == 3


def test_export_to_xlsx_and_back_keeps_characters_that_xml_cannot_hold(admin_client):
    names = ["a\x0bb", "a\rb", "a\r\nb", "a_x000B_b", "_x005F_", "a\ufffe", "\ufeffa", "_x000D_=1"]
    named(*names)
    content = fetch(admin_client, MEMBERS, "xlsx")
    assert summary(preview(admin_client, MEMBERS, content).context["result"]) == f"0-0-{len(names)}"
