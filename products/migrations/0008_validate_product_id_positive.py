"""Reads the whole table, beside writes.

Where it fails: docs/operations.md, Rows outside the bounds of new constraints.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("products", "0007_product_id_positive")]
    operations = [
        ValidateConstraint("product", "product_id_positive"),
    ]
