"""Reads the whole table, beside writes.

Where it fails: docs/operations.md, Rows outside the bounds of new constraints.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("coupons", "0010_issuedcoupon_id_positive")]
    operations = [
        ValidateConstraint("coupon", "coupon_id_positive"),
        ValidateConstraint("issuedcoupon", "issued_coupon_id_positive"),
    ]
