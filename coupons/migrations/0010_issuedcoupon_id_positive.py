"""New rows are checked from here on; what is there already, by a migration that blocks no writes."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("coupons", "0009_coupon_id_positive")]
    operations = [
        AddConstraintNotValid(
            "issuedcoupon",
            models.CheckConstraint(
                condition=models.Q(id__gte=1),
                name="issued_coupon_id_positive",
                violation_error_message="An id is 1 or more.",
            ),
        ),
    ]
