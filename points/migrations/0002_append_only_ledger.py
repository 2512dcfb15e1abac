"""The ledger is append-only by the database itself, whoever writes."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION points_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'points_pointtransaction is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_append_only';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON points_pointtransaction
    FOR EACH STATEMENT EXECUTE FUNCTION points_ledger_is_append_only();
"""
ALLOW = """
DROP TRIGGER ledger_append_only ON points_pointtransaction;
DROP FUNCTION points_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("points", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
