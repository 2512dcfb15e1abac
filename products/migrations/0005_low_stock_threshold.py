"""A column that is empty at first: no row is written."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("products", "0004_validate_within_calendar")]
    operations = [
        migrations.AddField(
            "product",
            "low_stock_threshold",
            models.BigIntegerField(blank=True, null=True, verbose_name="Low-stock threshold"),
        ),
        AddConstraintNotValid(
            "product",
            models.CheckConstraint(
                condition=models.Q(low_stock_threshold=None) | models.Q(low_stock_threshold__gte=0),
                name="product_low_stock_threshold_not_negative",
                violation_error_message="A low-stock threshold is 0 or more.",
            ),
        ),
    ]
