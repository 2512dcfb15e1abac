"""A tenth of each new page of balances stays free, so that a balance is rewritten beside itself.

docs/adr/0012 has the figures.
"""

from django.db import migrations

LEAVE_ROOM = "ALTER TABLE points_pointaccount SET (fillfactor = 90)"
AS_EVER = "ALTER TABLE points_pointaccount RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [("points", "0004_ledger_cannot_be_emptied")]
    operations = [migrations.RunSQL(LEAVE_ROOM, AS_EVER)]
