"""The sales by hour add up what was paid, so who changes an order's total rewrites history as well."""

from django.db import migrations

WITH_TOTAL = """
CREATE OR REPLACE TRIGGER rankings_order_rewritten
    AFTER DELETE OR TRUNCATE OR UPDATE OF ordered_at, status, total ON orders_order
    FOR EACH STATEMENT EXECUTE FUNCTION rankings_empty_window();
"""
AS_IT_WAS = """
CREATE OR REPLACE TRIGGER rankings_order_rewritten
    AFTER DELETE OR TRUNCATE OR UPDATE OF ordered_at, status ON orders_order
    FOR EACH STATEMENT EXECUTE FUNCTION rankings_empty_window();
"""


class Migration(migrations.Migration):
    dependencies = [("rankings", "0008_sales_by_hour")]
    operations = [migrations.RunSQL(WITH_TOTAL, AS_IT_WAS)]
