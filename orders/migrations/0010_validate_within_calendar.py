"""Reads the whole table, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_amount_within_bigint")]
    operations = [
        ValidateConstraint("order", "order_ordered_at_within_calendar"),
        ValidateConstraint("orderevent", "event_attempts_bounded"),
        ValidateConstraint("orderevent", "event_moments_within_calendar"),
        ValidateConstraint("orderitem", "order_item_amount_within_bigint"),
    ]
