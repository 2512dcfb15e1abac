"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rankings", "0005_saleswindow_within_calendar")]
    operations = [
        AddConstraintNotValid(
            "productsales",
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, amount__lt=10**40), name="product_sales_amount_is_a_number"
            ),
        ),
    ]
