"""The unique index of idempotency keys no longer holds the orders without one; docs/adr/0012 has the figures.

It is built beside running checkouts, then put in the old one's place, which takes a moment in which nobody else
touches orders. Where that moment is not had within 3 s, run it again.
"""

from django.db import migrations, models

BUILD = [
    # What an interrupted migration leaves behind may be invalid.
    "DROP INDEX CONCURRENTLY IF EXISTS order_one_a_key_given",
    """CREATE UNIQUE INDEX CONCURRENTLY order_one_a_key_given
    ON orders_order (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL""",
]
BUILD_OLD = [
    "CREATE UNIQUE INDEX CONCURRENTLY order_one_a_key_always ON orders_order (user_id, idempotency_key)",
    """ALTER TABLE orders_order ADD CONSTRAINT order_one_a_key
    UNIQUE USING INDEX order_one_a_key_always""",
    "DROP INDEX CONCURRENTLY order_one_a_key_given",
]
SWAP = """
BEGIN;
SET LOCAL lock_timeout = '3s';
ALTER TABLE orders_order DROP CONSTRAINT order_one_a_key;
ALTER INDEX order_one_a_key_given RENAME TO order_one_a_key;
COMMIT;
"""
SWAP_BACK = "ALTER INDEX order_one_a_key RENAME TO order_one_a_key_given"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "0004_clear_what_was_delivered_however_much_there_is")]
    operations = [
        migrations.RunSQL(BUILD, BUILD_OLD),
        migrations.RunSQL(
            SWAP,
            SWAP_BACK,
            state_operations=[
                migrations.RemoveConstraint("order", "order_one_a_key"),
                migrations.AddConstraint(
                    "order",
                    models.UniqueConstraint(
                        fields=["user", "idempotency_key"],
                        condition=models.Q(idempotency_key__isnull=False),
                        name="order_one_a_key",
                    ),
                ),
            ],
        ),
    ]
