"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("seeding", "0001_uploads_between_preview_and_import")]
    operations = [
        AddConstraintNotValid(
            "upload",
            models.CheckConstraint(
                condition=models.Q(uploaded_at__range=CALENDAR), name="upload_uploaded_at_within_calendar"
            ),
        ),
    ]
