"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("orders", "0007_order_within_calendar")]
    operations = [
        AddConstraintNotValid(
            "orderevent",
            models.CheckConstraint(
                condition=models.Q(attempts__range=(0, 1_000_000)), name="event_attempts_bounded"
            ),
        ),
        AddConstraintNotValid(
            "orderevent",
            models.CheckConstraint(
                condition=models.Q(
                    delivered_at__range=CALENDAR,
                    leased_until__range=CALENDAR,
                    next_attempt_at__range=CALENDAR,
                ),
                name="event_moments_within_calendar",
            ),
        ),
    ]
