"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("rankings", "0004_count_what_comes_late_within_a_minute")]
    operations = [
        AddConstraintNotValid(
            "saleswindow",
            models.CheckConstraint(
                condition=models.Q(from_at__range=CALENDAR, to_at__range=CALENDAR),
                name="sales_window_within_calendar",
            ),
        ),
    ]
