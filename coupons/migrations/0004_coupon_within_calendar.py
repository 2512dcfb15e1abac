"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("coupons", "0003_say_what_a_largest_discount_is")]
    operations = [
        AddConstraintNotValid(
            "coupon",
            models.CheckConstraint(
                condition=models.Q(created_at__range=CALENDAR), name="coupon_created_at_within_calendar"
            ),
        ),
    ]
