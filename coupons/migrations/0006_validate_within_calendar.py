"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("coupons", "0005_issuedcoupon_within_calendar")]
    operations = [
        ValidateConstraint("coupon", "coupon_created_at_within_calendar"),
        ValidateConstraint("issuedcoupon", "issued_coupon_moments_within_calendar"),
    ]
