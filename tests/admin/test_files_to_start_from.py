"""Files to start from: headings in the reader's language, and rows that an import takes."""

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from products.models import Product
from tests.kit.files import (
    COUPONS,
    MEMBERS,
    PRODUCTS,
    as_csv,
    preview,
    rows_of,
    summary,
)
from users.factories import UserFactory

pytestmark = pytest.mark.django_db


TEMPLATES = {
    (PRODUCTS, "new"): (["상품명", "가격", "재고"], ["Product name", "Price", "Stock"]),
    (PRODUCTS, "restock"): (
        ["id", "재고 증감", "사유"],
        ["id", "Adjust stock by", "Reason"],
    ),
    (MEMBERS, "new"): (["이름"], ["Name"]),
    (COUPONS, "new"): (["쿠폰명"], ["Coupon name"]),
}


def download(browser, table, name, kind, language="ko"):
    url = reverse(f"admin:{table}_import_template", args=[name, kind])
    return browser.get(url, headers={"Accept-Language": language})


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("table", "name"), TEMPLATES)
def test_file_to_start_from_has_headings_in_the_reader_s_language_and_is_imported(
    admin_client, table, name, kind
):
    Product.objects.create(pk=1, name="아메리카노", price=1, stock=1, created_at=Now())
    for language, headings in zip(("ko", "en"), TEMPLATES[table, name], strict=True):
        page = admin_client.get(reverse(f"admin:{table}_import")).content.decode()
        assert reverse(f"admin:{table}_import_template", args=[name, kind]) in page
        content = b"".join(download(admin_client, table, name, kind, language).streaming_content)
        assert rows_of(content)[0][: len(headings)] == headings
        assert len(rows_of(content)) == 2
        if name == "new":
            Product.objects.all().delete()
        result = preview(admin_client, table, content, language=language).context["result"]
        assert result.counts.total() == 1
        assert not result.invalid_rows


def test_template_file_needs_the_permission_to_import(staff_of):
    browser = staff_of("viewer")
    assert download(browser, PRODUCTS, "new", "csv").status_code == 403


@pytest.mark.parametrize(("name", "kind"), [("old", "csv"), ("new", "pdf"), ("restock", "csv")])
def test_file_to_start_from_that_is_none_is_not_found(admin_client, name, kind):
    assert download(admin_client, MEMBERS, name, kind).status_code == 404


@pytest.mark.parametrize(
    ("table", "factory"), [(PRODUCTS, ProductFactory), (MEMBERS, UserFactory), (COUPONS, CouponFactory)]
)
@pytest.mark.parametrize("heading", ["번호", "ID", "number"])
def test_number_is_a_heading_in_both_languages(admin_client, table, factory, heading):
    page = preview(admin_client, table, as_csv((heading, "name"), (factory().pk, "다른 이름")))
    assert summary(page.context["result"]) == "0-1-0"
