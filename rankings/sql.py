"""SQL that the ORM cannot say: the best sellers of now, and what the server knows of its sessions."""

from datetime import datetime, timedelta

from core.db.statements import ByHand, statement

# The stored sums, corrected by what entered the window since and what left it; where there are none to build
# on, what entered is all of it. A product whose sums did not change can be among the first only where it is
# among the first of those. Arrays, for joined to some thousands of orders the planner would rather read every
# line there ever was.
BEST_SELLERS = """
WITH wanted AS (
    SELECT until - %(window)s::interval AS since, until
    FROM coalesce(%(until)s::timestamptz, statement_timestamp()) until
), stored AS (
    SELECT from_at, to_at FROM rankings_saleswindow
    WHERE from_at <= (SELECT since FROM wanted)
        AND to_at > (SELECT since FROM wanted) AND to_at <= (SELECT until FROM wanted)
), moved AS (
    SELECT product_id, quantity AS units, quantity * unit_price AS amount FROM orders_orderitem
    WHERE order_id = ANY(ARRAY(
        SELECT id FROM orders_order WHERE status = 'paid'
            AND ordered_at > coalesce((SELECT to_at FROM stored), (SELECT since FROM wanted))
            AND ordered_at <= (SELECT until FROM wanted)
    ))
    UNION ALL
    SELECT product_id, -quantity, -quantity * unit_price FROM orders_orderitem
    WHERE order_id = ANY(ARRAY(
        SELECT id FROM orders_order WHERE status = 'paid'
            AND ordered_at > (SELECT from_at FROM stored) AND ordered_at <= (SELECT since FROM wanted)
    ))
), changed AS (
    SELECT product_id, sum(units) AS units, sum(amount) AS amount FROM moved GROUP BY product_id
), sums AS (
    SELECT product_id, changed.units + coalesce(sales.units, 0) AS units,
        changed.amount + coalesce(sales.amount, 0) AS amount
    FROM changed LEFT JOIN (SELECT * FROM rankings_productsales WHERE EXISTS (SELECT FROM stored)) sales
        USING (product_id)
    UNION ALL (
        SELECT product_id, units, amount FROM rankings_productsales
        WHERE EXISTS (SELECT FROM stored) AND product_id NOT IN (SELECT product_id FROM changed)
        ORDER BY units DESC, product_id LIMIT %(size)s::bigint
    )
), best AS (
    SELECT * FROM sums WHERE units > 0 ORDER BY units DESC, product_id LIMIT %(size)s::bigint
)
SELECT since, until, best.product_id, best.units, best.amount, name, price, stock
FROM wanted LEFT JOIN (best JOIN products_product ON products_product.id = best.product_id) ON true
ORDER BY best.units DESC, best.product_id
"""


@statement
def best_sellers(*, window: timedelta, size: int, until: datetime | None) -> ByHand:
    """The first `size` products, each with the window's ends; a row without one where none sold.

    `until` is the window's end, None for now.
    """
    del window, size, until
    return ByHand(BEST_SELLERS)


# Who holds this lock may have put in orders that nobody else sees yet. Whose transaction cannot be looked
# into (another role's, a prepared one) may have begun at any time.
SETTLED_AT = """
SELECT least(statement_timestamp(), min(coalesce(session.xact_start, 'epoch'))) - make_interval(secs => %s)
FROM pg_locks held LEFT JOIN pg_stat_activity session USING (pid)
WHERE held.relation = 'orders_order'::regclass AND held.mode = 'RowExclusiveLock'
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
