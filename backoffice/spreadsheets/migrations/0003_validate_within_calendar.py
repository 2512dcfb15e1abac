"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("seeding", "0002_upload_within_calendar")]
    operations = [
        ValidateConstraint("upload", "upload_uploaded_at_within_calendar"),
    ]
