"""The sums are moved up to a minute ago, so an order that comes a minute late must empty them.

What counts is the moment at which the row comes in: a statement may have begun, and waited, long before.
A transaction that has emptied the window once need not do it again for each of its rows.
"""

from django.db import migrations

WITHIN_A_MINUTE = """
CREATE OR REPLACE FUNCTION rankings_empty_window() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rankings_saleswindow SET to_at = from_at, version = version + 1
        WHERE xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER rankings_order_backdated AFTER INSERT ON orders_order
    FOR EACH ROW WHEN (NEW.ordered_at <= clock_timestamp() - interval '1 minute')
    EXECUTE FUNCTION rankings_empty_window();
"""
AS_IT_WAS = """
CREATE OR REPLACE FUNCTION rankings_empty_window() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rankings_saleswindow SET to_at = from_at, version = version + 1;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER rankings_order_backdated AFTER INSERT ON orders_order
    FOR EACH ROW WHEN (NEW.ordered_at < statement_timestamp() - interval '5 minutes')
    EXECUTE FUNCTION rankings_empty_window();
"""


class Migration(migrations.Migration):
    dependencies = [("rankings", "0003_texts_in_english_at_source")]
    operations = [migrations.RunSQL(WITHIN_A_MINUTE, AS_IT_WAS)]
