"""Reads the whole table, beside writes."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("products", "0005_low_stock_threshold")]
    operations = [ValidateConstraint("product", "product_low_stock_threshold_not_negative")]
