"""Reads the whole table, beside writes.

Where it fails: docs/operations.md, Rows outside the bounds of new constraints.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("users", "0006_user_id_positive")]
    operations = [
        ValidateConstraint("user", "user_id_positive"),
    ]
