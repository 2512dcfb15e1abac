"""The unique index of idempotency keys no longer holds the entries without one; docs/adr/0012 has the figures.

It is built beside running charges, then put in the old one's place, which takes a moment in which nobody else
touches the ledger. Where that moment is not had within 3 s, run it again.
"""

from django.db import migrations, models

BUILD = [
    # What an interrupted migration leaves behind may be invalid.
    "DROP INDEX CONCURRENTLY IF EXISTS ledger_one_charge_a_key_given",
    """CREATE UNIQUE INDEX CONCURRENTLY ledger_one_charge_a_key_given
    ON points_pointtransaction (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL""",
]
BUILD_OLD = [
    "CREATE UNIQUE INDEX CONCURRENTLY ledger_one_charge_a_key_always ON points_pointtransaction (user_id, idempotency_key)",
    """ALTER TABLE points_pointtransaction ADD CONSTRAINT ledger_one_charge_a_key
    UNIQUE USING INDEX ledger_one_charge_a_key_always""",
    "DROP INDEX CONCURRENTLY ledger_one_charge_a_key_given",
]
SWAP = """
BEGIN;
SET LOCAL lock_timeout = '3s';
ALTER TABLE points_pointtransaction DROP CONSTRAINT ledger_one_charge_a_key;
ALTER INDEX ledger_one_charge_a_key_given RENAME TO ledger_one_charge_a_key;
COMMIT;
"""
SWAP_BACK = "ALTER INDEX ledger_one_charge_a_key RENAME TO ledger_one_charge_a_key_given"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("points", "0005_leave_room_for_the_next_balance")]
    operations = [
        migrations.RunSQL(BUILD, BUILD_OLD),
        migrations.RunSQL(
            SWAP,
            SWAP_BACK,
            state_operations=[
                migrations.RemoveConstraint("pointtransaction", "ledger_one_charge_a_key"),
                migrations.AddConstraint(
                    "pointtransaction",
                    models.UniqueConstraint(
                        fields=["user", "idempotency_key"],
                        condition=models.Q(idempotency_key__isnull=False),
                        name="ledger_one_charge_a_key",
                    ),
                ),
            ],
        ),
    ]
