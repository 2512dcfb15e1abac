"""The ledger is emptied by nobody, but by a session that says it means to: the tests' own."""

from django.db import migrations

REFUSE = """
CREATE TRIGGER ledger_cannot_be_emptied BEFORE TRUNCATE ON points_pointtransaction FOR EACH STATEMENT
    WHEN (current_setting('pointshop.may_empty_ledger', true) IS DISTINCT FROM 'on')
    EXECUTE FUNCTION points_ledger_is_append_only();
"""
ALLOW = "DROP TRIGGER ledger_cannot_be_emptied ON points_pointtransaction"


class Migration(migrations.Migration):
    dependencies = [("points", "0003_texts_in_english_at_source")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
