"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("users", "0004_user_within_calendar")]
    operations = [
        ValidateConstraint("user", "user_created_at_within_calendar"),
    ]
