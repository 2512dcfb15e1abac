"""Reads the whole table, beside writes.

Where it fails: docs/operations.md, Rows outside the bounds of new constraints.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0015_order_id_positive")]
    operations = [
        ValidateConstraint("order", "order_id_positive"),
    ]
