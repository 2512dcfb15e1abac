"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rankings", "0006_amount_is_a_number")]
    operations = [
        ValidateConstraint("saleswindow", "sales_window_within_calendar"),
        ValidateConstraint("productsales", "product_sales_amount_is_a_number"),
    ]
