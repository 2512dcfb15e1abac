"""What holds at every moment, recounted from the rows by SQL that shares nothing with the shop's code."""

from collections.abc import Mapping

from core.db.audit import audit
from tests.kit.database import execute

# Each finds the ids of what breaks the rule.
RULES = {
    "balance_equals_ledger": """
        SELECT coalesce(a.user_id, l.user_id) FROM points_pointaccount a
        FULL JOIN (SELECT user_id, sum(amount) AS total FROM points_pointtransaction GROUP BY 1) l
               USING (user_id)
        WHERE a.balance IS NULL OR a.balance <> coalesce(l.total, 0) OR a.balance < 0""",
    "balance_after_equals_ledger_so_far": """
        SELECT id FROM (
            SELECT id, balance_after, sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS so_far
            FROM points_pointtransaction) l
        WHERE balance_after <> so_far""",
    "units_sold_equal_lines": """
        SELECT p.id FROM products_product p
        LEFT JOIN (SELECT product_id, sum(quantity) AS units FROM orders_orderitem GROUP BY 1) s
               ON s.product_id = p.id
        WHERE p.units_sold <> coalesce(s.units, 0) OR p.stock < 0""",
    "issued_equals_coupons": """
        SELECT c.id FROM coupons_coupon c
        LEFT JOIN (SELECT coupon_id, count(*) AS rows, max(sequence) AS last,
                          count(DISTINCT sequence) AS places, count(DISTINCT user_id) AS people
                   FROM coupons_issuedcoupon GROUP BY 1) i
               ON i.coupon_id = c.id
        WHERE c.issued > c.quantity OR c.issued <> coalesce(i.rows, 0)
           OR i.rows <> i.last OR i.rows <> i.places OR i.rows <> i.people""",
    "used_coupon_has_one_order": """
        SELECT i.id FROM coupons_issuedcoupon i
        LEFT JOIN (SELECT issued_coupon_id, count(*) AS orders, min(user_id) AS user_id FROM orders_order
                   WHERE issued_coupon_id IS NOT NULL GROUP BY 1) o ON o.issued_coupon_id = i.id
        WHERE (i.used_at IS NOT NULL) <> (coalesce(o.orders, 0) = 1) OR o.orders > 1
           OR o.user_id <> i.user_id""",
    "payment_equals_total": """
        SELECT o.id FROM orders_order o
        LEFT JOIN (SELECT order_id, count(*) AS rows, sum(amount) AS paid, min(user_id) AS user_id
                   FROM points_pointtransaction WHERE order_id IS NOT NULL GROUP BY 1) p ON p.order_id = o.id
        WHERE coalesce(p.paid, 0) <> -o.total OR coalesce(p.rows, 0) <> (o.total > 0)::int
           OR p.user_id <> o.user_id""",
    "order_has_event": """
        SELECT o.id FROM orders_order o
        WHERE (SELECT count(*) FROM orders_orderevent e WHERE e.order_id = o.id) <> 1""",
    "subtotal_equals_lines": """
        SELECT o.id FROM orders_order o
        LEFT JOIN (SELECT order_id, sum(unit_price * quantity) AS subtotal FROM orders_orderitem GROUP BY 1) i
               ON i.order_id = o.id
        WHERE coalesce(i.subtotal, -1) <> o.subtotal OR o.total <> o.subtotal - o.discount""",
}


def broken_rules(*, stock: Mapping[int, int] | None = None) -> list[str]:
    """Every broken rule with the ids that break it; `stock` says what each product started with."""
    broken = [f"{rule}: {ids}" for rule, query in RULES.items() if (ids := execute(query))]
    for product_id, start in (stock or {}).items():
        ((left, sold),) = execute("SELECT stock, units_sold FROM products_product WHERE id = %s", product_id)
        if left + sold != start:
            broken.append(
                f"stock_and_sold_equal_stocked: product {product_id} has {left} + {sold}, not {start}"
            )
    return broken


def wrongs(*, stock: Mapping[int, int] | None = None) -> list[str]:
    """What this recount finds, and what the shop's own audit does; not to be called within a transaction."""
    found = [f"{finding.rule}: {finding.examples}" for finding in audit() if finding.violations]
    return broken_rules(stock=stock) + found
