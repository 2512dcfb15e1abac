"""The ledger is listed and exported by day; the index is built while charges go on."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("points", "0008_validate_within_calendar")]
    operations = [
        AddIndexConcurrently(
            "pointtransaction",
            BrinIndex(fields=["created_at"], name="ledger_by_day", pages_per_range=16, autosummarize=True),
        )
    ]
