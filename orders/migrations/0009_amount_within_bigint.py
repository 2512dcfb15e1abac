"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.functions import Cast
from django.db.models.lookups import LessThanOrEqual


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_orderevent_within_calendar")]
    operations = [
        AddConstraintNotValid(
            "orderitem",
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Cast("unit_price", models.DecimalField(max_digits=38, decimal_places=0))
                    * models.F("quantity"),
                    9223372036854775807,
                ),
                name="order_item_amount_within_bigint",
            ),
        ),
    ]
