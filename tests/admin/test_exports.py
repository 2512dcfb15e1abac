"""Exports: safe to open in a spreadsheet, and taken back by an import as they are."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

import seeding.downloads
from api import actionlog
from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from tests.admin.files import COUPONS, MEMBERS, PRODUCTS, bring, fetch, preview, rows_of
from users.models import User

pytestmark = pytest.mark.django_db

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_that_looks_like_a_formula_is_written_as_a_text_and_comes_back_as_it_was(
    admin_client, kind, name
):
    User.objects.create(name=name)
    content = fetch(admin_client, MEMBERS, kind)
    assert rows_of(content)[1][1] == f"'{name}"
    assert preview(admin_client, MEMBERS, content).context["result"].summary == "0-0-1"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_what_is_exported_in_a_language_is_imported_as_unchanged(admin_client, kind, language):
    ProductFactory.create_batch(3)
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    CouponFactory(fixed=True, opens_at=moment, closes_at=moment.replace(month=12, day=9, microsecond=7))
    CouponFactory(max_discount=3000)
    for table, summary in ((PRODUCTS, "0-0-3"), (COUPONS, "0-0-2")):
        content = fetch(admin_client, table, kind, language=language)
        assert preview(admin_client, table, content).context["result"].summary == summary


def test_an_export_brings_everything_back_into_an_empty_shop(admin_client):
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


def test_a_csv_file_says_to_excel_that_it_is_utf_8_and_has_korean_headings(admin_client):
    ProductFactory(name="아메리카노")
    content = fetch(admin_client, PRODUCTS, "csv")
    assert content.startswith(b"\xef\xbb\xbfid,")
    assert rows_of(content)[0] == ["id", "상품명", "가격", "재고", "누적 판매량", "등록 시각"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_leaves_an_entry_in_the_log_with_the_file_s_name(admin_client, kind):
    fetch(admin_client, MEMBERS, kind)
    entry = LogEntry.objects.get()
    assert entry.object_repr.startswith("User-")
    assert entry.object_repr in actionlog.read(entry)


def test_an_xlsx_file_has_numbers_as_numbers(admin_client):
    product = ProductFactory(price=4500, stock=7)
    assert rows_of(fetch(admin_client, PRODUCTS, "xlsx"))[1][:4] == [product.pk, product.name, 4500, 7]


def test_the_list_s_search_and_filters_count(admin_client):
    CouponFactory(fixed=True)
    CouponFactory()
    content = fetch(admin_client, COUPONS, "csv", query="?discount_type__exact=fixed")
    assert [row[2] for row in rows_of(content)[1:]] == ["정액"]


def test_more_rows_than_an_xlsx_file_has_are_refused_in_words(admin_client, monkeypatch):
    monkeypatch.setattr(seeding.downloads, "MOST_ROWS", 1)
    ProductFactory.create_batch(2)
    page = admin_client.post(reverse("admin:products_product_export"), {"format": "1", "resource": "0"})
    assert "CSV" in str(next(iter(page.context["messages"])))
    assert len(rows_of(fetch(admin_client, PRODUCTS, "csv"))) == 3


def test_characters_that_xlsx_cannot_hold_are_replaced(admin_client):
    User.objects.create(name="a\x0bb")
    assert rows_of(fetch(admin_client, MEMBERS, "xlsx"))[1][1] == "a\ufffdb"
