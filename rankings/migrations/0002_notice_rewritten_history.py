"""The stored sums count only while the hours they cover stay as they were added up.

Checkout never touches an old order. Somebody who does, by SQL, empties the window, and the ranking is
computed from the order lines until the next rebuild.
"""

from django.db import migrations

NOTICE = """
CREATE FUNCTION rankings_empty_window() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rankings_saleswindow SET to_at = from_at, version = version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER rankings_order_rewritten
    AFTER DELETE OR TRUNCATE OR UPDATE OF ordered_at, status ON orders_order
    FOR EACH STATEMENT EXECUTE FUNCTION rankings_empty_window();
CREATE TRIGGER rankings_order_backdated AFTER INSERT ON orders_order
    FOR EACH ROW WHEN (NEW.ordered_at < statement_timestamp() - interval '5 minutes')
    EXECUTE FUNCTION rankings_empty_window();
CREATE TRIGGER rankings_item_rewritten
    AFTER DELETE OR TRUNCATE OR UPDATE OF order_id, product_id, quantity, unit_price ON orders_orderitem
    FOR EACH STATEMENT EXECUTE FUNCTION rankings_empty_window();
"""
IGNORE = """
DROP TRIGGER rankings_item_rewritten ON orders_orderitem;
DROP TRIGGER rankings_order_backdated ON orders_order;
DROP TRIGGER rankings_order_rewritten ON orders_order;
DROP FUNCTION rankings_empty_window();
"""


class Migration(migrations.Migration):
    dependencies = [("rankings", "0001_initial"), ("orders", "0001_initial")]
    operations = [migrations.RunSQL(NOTICE, IGNORE)]
