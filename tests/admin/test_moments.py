"""No column takes a moment that no calendar can show, whoever writes."""

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from backoffice.refusals.models import Refusal
from backoffice.spreadsheets.models import Upload
from rankings.models import HourlySales
from rankings.services import recompute
from tests.kit.database import execute

COLUMNS = [
    (model._meta.db_table, field.column)
    for model in apps.get_models(include_auto_created=True)
    for field in model._meta.local_concrete_fields
    if isinstance(field, models.DateField) and model._meta.managed and not model._meta.proxy
]
BEYOND = [
    "infinity",
    "-infinity",
    "4713-01-01 00:00:00+00 BC",
    "0044-03-15 00:00:00+00 BC",
    "0001-01-01 00:00:00+00",
    "1899-12-31 23:59:59.999999+00",
    "9998-12-31 00:00:00.000001+00",
    "9999-12-31 23:59:59.999999+00",
    "10000-01-01 00:00:00+00",
    "294276-12-31 23:59:59.999999+00",
]
BOUNDS = ["1900-01-01 00:00:00+00", "9998-12-31 00:00:00+00"]


@pytest.fixture
def a_row_in_every_table(bought):
    recompute(days=3)
    HourlySales.objects.create(starts_at=timezone.now(), orders=1, paid=1, version=0)
    staff = get_user_model().objects.create_superuser("otto")
    LogEntry.objects.create(user=staff, action_flag=1)
    Upload.objects.create(content=b"x")
    Refusal.objects.create(refused_at=timezone.now(), request="POST /", status=409, code="x")
    session = SessionStore()
    session["key"] = "value"
    session.save()


def refusal(table: str, column: str, moment: str) -> str:
    """The name of the constraint that refuses it, or nothing; what triggers would say is not asked."""
    try:
        with transaction.atomic():
            execute("SET LOCAL session_replication_role = replica")
            execute(f"UPDATE {table} SET {column} = %s", moment)
            assert execute(f"SELECT count(*) > 0 FROM {table}") == [(True,)]
            transaction.set_rollback(True)
    except IntegrityError as error:
        return str(error.__cause__.diag.constraint_name)
    return ""


def is_calendar(name: str) -> bool:
    return name.endswith("within_calendar")


def refusals(table: str, column: str) -> list[str]:
    return [refusal(table, column, moment) for moment in BEYOND]


def test_timestamp_beyond_the_calendar_is_refused(a_row_in_every_table):
    assert len(COLUMNS) >= 20
    refused = {column: refusals(*column) for column in COLUMNS}
    assert [column for column, names in refused.items() if "" in names] == []
    assert [column for column, names in refused.items() if not any(map(is_calendar, names))] == []


def test_timestamp_at_the_calendars_bounds_is_taken(a_row_in_every_table):
    refused = [
        (column, bound) for column in COLUMNS for bound in BOUNDS if is_calendar(refusal(*column, bound))
    ]
    assert refused == []


def test_column_without_the_constraint_would_be_noticed(a_row_in_every_table):
    with transaction.atomic():
        execute("ALTER TABLE users_user DROP CONSTRAINT user_created_at_within_calendar")
        assert refusals("users_user", "created_at") == [""] * len(BEYOND)
        transaction.set_rollback(True)


def test_checks_are_valid_for_the_rows_that_were_there(db):
    assert execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND NOT convalidated") == []


def test_amount_that_is_no_number_is_refused(a_row_in_every_table):
    with pytest.raises(IntegrityError, match="product_sales_amount_is_a_number"), transaction.atomic():
        execute("INSERT INTO rankings_productsales SELECT id, 1, 'NaN' FROM products_product")


def test_sales_of_an_hour_that_are_no_number_are_refused(a_row_in_every_table):
    with pytest.raises(IntegrityError, match="hourly_sales_paid_is_a_number"), transaction.atomic():
        execute("UPDATE rankings_hourlysales SET paid = 'NaN'")
    with pytest.raises(IntegrityError, match="hourly_sales_orders_not_negative"), transaction.atomic():
        execute("UPDATE rankings_hourlysales SET orders = -1")
