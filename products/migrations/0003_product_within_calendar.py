"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from datetime import UTC, datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

CALENDAR = (datetime(1900, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("products", "0002_texts_in_english_at_source")]
    operations = [
        AddConstraintNotValid(
            "product",
            models.CheckConstraint(
                condition=models.Q(created_at__range=CALENDAR), name="product_created_at_within_calendar"
            ),
        ),
    ]
