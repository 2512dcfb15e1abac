"""An order that is no newer than the sums empties them: the clock was set back, or a standby with another took over.

No trigger that looks at the clock alone sees that, for to the clock such an order is new.
"""

from django.db import migrations

NOTICE = """
CREATE FUNCTION rankings_empty_window_past_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rankings_saleswindow SET to_at = from_at, version = version + 1
        WHERE to_at >= NEW.ordered_at AND to_at > from_at;
    RETURN NULL;
END $$;
CREATE TRIGGER rankings_order_before_window_end AFTER INSERT ON orders_order
    FOR EACH ROW EXECUTE FUNCTION rankings_empty_window_past_order();
"""
IGNORE = """
DROP TRIGGER rankings_order_before_window_end ON orders_order;
DROP FUNCTION rankings_empty_window_past_order();
"""


class Migration(migrations.Migration):
    dependencies = [("rankings", "0009_notice_rewritten_totals"), ("orders", "0001_initial")]
    operations = [migrations.RunSQL(NOTICE, IGNORE)]
