"""What staff are shown when the database takes no writes, or somebody holds what they change."""

import pytest
from django.urls import reverse

from products.factories import ProductFactory
from products.models import Product
from tests.kit.backoffice import change
from tests.kit.database import broken
from tests.kit.files import PRODUCTS, as_csv, confirm, preview

FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'forced' USING ERRCODE = '{sqlstate}'; END $$;
CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON products_product EXECUTE FUNCTION fail();
"""
MEND = "DROP TRIGGER fail ON products_product; DROP FUNCTION fail()"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", ["25006", "53100", "57P01", "55P03"])
def test_save_that_the_database_refuses_is_a_page_in_words(admin_client, sqlstate):
    product = ProductFactory(name="before")
    with broken(FAIL.format(sqlstate=sqlstate), MEND):
        answer = change(admin_client, product, name="after", price=product.price, stock=product.stock)
    assert (answer.status_code, "Retry-After" in answer) == (503, True)
    assert "forced" not in answer.content.decode()
    product.refresh_from_db()
    assert product.name == "before"


@pytest.mark.django_db(transaction=True)
def test_page_speaks_the_readers_language(admin_client):
    product = ProductFactory()
    fields = {"name": "after", "price": 1, "stock": 1}
    with broken(FAIL.format(sqlstate="25006"), MEND):
        url = reverse("admin:products_product_change", args=[product.pk])
        told = admin_client.post(url, fields, headers={"Accept-Language": "en"})
    assert "Not available right now" in told.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sqlstate", "status"), [("25006", 503), ("53100", 503), ("55P03", 302)])
def test_import_imports_nothing_and_is_told_apart_from_a_held_row(admin_client, sqlstate, status):
    page = preview(admin_client, PRODUCTS, as_csv(["name", "price", "stock"], ["x", 1, 1]))
    with broken(FAIL.format(sqlstate=sqlstate), MEND):
        assert confirm(admin_client, PRODUCTS, page).status_code == status
    assert not Product.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_bug_is_an_internal_error(admin_client):
    product = ProductFactory()
    admin_client.raise_request_exception = False
    with broken(FAIL.format(sqlstate="42501"), MEND):
        answer = change(admin_client, product, name="after", price=1, stock=1)
    assert answer.status_code == 500
