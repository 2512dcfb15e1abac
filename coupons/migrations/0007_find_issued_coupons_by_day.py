"""Issued coupons are listed and exported by day; the index is built while coupons are issued."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("coupons", "0006_validate_within_calendar")]
    operations = [
        AddIndexConcurrently(
            "issuedcoupon",
            BrinIndex(
                fields=["issued_at"],
                name="issued_coupon_by_day",
                opclasses=["timestamptz_minmax_multi_ops"],
                pages_per_range=16,
                autosummarize=True,
            ),
        )
    ]
