"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("coupons", "0004_coupon_within_calendar")]
    operations = [
        AddConstraintNotValid(
            "issuedcoupon",
            models.CheckConstraint(
                condition=models.Q(
                    expires_at__range=CALENDAR, issued_at__range=CALENDAR, used_at__range=CALENDAR
                ),
                name="issued_coupon_moments_within_calendar",
            ),
        ),
    ]
