"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("orders", "0006_name_events_in_the_order_of_time")]
    operations = [
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(
                condition=models.Q(ordered_at__range=CALENDAR), name="order_ordered_at_within_calendar"
            ),
        ),
    ]
