"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("points", "0007_pointtransaction_within_calendar")]
    operations = [
        ValidateConstraint("pointtransaction", "ledger_created_at_within_calendar"),
    ]
