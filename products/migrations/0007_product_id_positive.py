"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("products", "0006_validate_low_stock_threshold")]
    operations = [
        AddConstraintNotValid(
            "product",
            models.CheckConstraint(
                condition=models.Q(id__gte=1),
                name="product_id_positive",
                violation_error_message="An id is 1 or more.",
            ),
        ),
    ]
