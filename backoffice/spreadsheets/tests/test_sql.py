"""SQL by hand says what the ORM says, where the ORM can say it at all."""

from copy import copy

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from backoffice.spreadsheets import staging
from backoffice.spreadsheets.columns import Row
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.importing import preview
from backoffice.spreadsheets.validation import VERSION, violations
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from products.spreadsheets import ProductSpreadsheet

pytestmark = pytest.mark.django_db

TERMS = [("percent", 101, None), ("percent", 5, 0), ("fixed", 0, None), ("fixed", 10, 5), ("fixed", 10, None)]


def refused_by_django(row) -> bool:
    try:
        row.validate_constraints()
    except ValidationError:
        return True
    return False


def test_failed_checks_are_the_rows_that_django_refuses():
    rows = [
        Coupon(name="a", quantity=1, discount_type=kind, discount_value=value, max_discount=most)
        for kind, value, most in TERMS
    ]
    refused = {n for n, row in enumerate(rows) if refused_by_django(row)}
    assert {*violations(rows=rows)} == refused == {*range(4)}


def staged(product: Product, **values) -> Row:
    product = Product.objects.annotate(version=VERSION).get(pk=product.pk)
    row = Row(2, {}, {"id": product.pk, **values}, stored=product, new=copy(product))
    for name, value in values.items():
        setattr(row.new, name, value)
    return row


def test_update_from_staged_writes_what_bulk_update_writes(admin_user):
    rows = [
        staged(ProductFactory(name="a", price=1), name="차 'x' %s", price=2),
        staged(ProductFactory(name="b", price=1), price=2**62),
        staged(ProductFactory(name="c", price=1), name="d"),
    ]
    written = []
    log = ImportLog(staff_id=admin_user.pk, file="", model=Product)
    for write in (
        lambda: staging.write(spreadsheet=ProductSpreadsheet(), log=log, logs_new_rows=False),
        lambda: Product.objects.bulk_update([row.new for row in rows], ["name", "price"]),
    ):
        with transaction.atomic():
            staging.create_tables()
            staging.stage(spreadsheet=ProductSpreadsheet(), rows=rows, log=log)
            write()
            written.append([*Product.objects.order_by("pk").values()])
            transaction.set_rollback(True)
    assert written[0] == written[1]
    assert [row["price"] for row in written[0]] == [2, 2**62, 1]


@pytest.mark.django_db(transaction=True)
def test_import_within_another_transaction_is_refused():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        preview(spreadsheet=ProductSpreadsheet(), content=b"name,price,stock\na,1,1")
    assert not connection.in_atomic_block
