"""Autovacuum clears the outbox after so many changes, not after a share of all events ever sent.

What is delivered leaves an entry in the index of what is pending, and each claim walks over those that no vacuum
has cleared yet; docs/adr/0012 has the figures.
"""

from django.db import migrations

SWEEP = """
ALTER TABLE orders_orderevent SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, vacuum_index_cleanup = on
)
"""
AS_EVER = """
ALTER TABLE orders_orderevent RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, vacuum_index_cleanup
)
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_texts_in_english_at_source")]
    operations = [migrations.RunSQL(SWEEP, AS_EVER)]
