"""SQL that the ORM cannot say: the claim of events."""

from datetime import timedelta

from core.db.statements import ByHand, statement

# The ORM has no UPDATE that takes its rows from a locking SELECT and returns them, and reads orders and lines
# by two more statements. SKIP LOCKED, because a row that another sender has locked is taken anyway.
_CLAIM = """
    WITH due AS (
        SELECT id FROM orders_orderevent
        WHERE state = 'pending' AND next_attempt_at <= statement_timestamp()
            AND (leased_until IS NULL OR leased_until <= statement_timestamp())
        ORDER BY next_attempt_at, id
        LIMIT %(limit)s
        FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE orders_orderevent AS event
        SET leased_until = statement_timestamp() + %(lease)s, attempts = attempts + 1
        FROM due WHERE event.id = due.id
        RETURNING event.id, event.order_id, event.attempts, event.request_id, event.source,
            event.traceparent
    )
    SELECT  -- in the order of DueEvent's fields
        claimed.id, claimed.attempts, claimed.request_id, claimed.source, claimed.traceparent,
        paid.id, paid.user_id, paid.subtotal, paid.discount, paid.total,
        issued.coupon_id, paid.issued_coupon_id, paid.ordered_at,
        extract(epoch FROM statement_timestamp() - paid.ordered_at)::double precision,
        (
            SELECT coalesce(json_agg(json_build_array(product_id, product_name, unit_price, quantity)
                ORDER BY id), '[]')
            FROM orders_orderitem WHERE order_id = claimed.order_id
        )
    FROM claimed
    JOIN orders_order AS paid ON paid.id = claimed.order_id
    LEFT JOIN coupons_issuedcoupon AS issued ON issued.id = paid.issued_coupon_id
"""


@statement
def claim_rows(*, limit: int, lease: timedelta) -> ByHand:
    """Lease due events; a row for each, with all that is posted of it."""
    del limit, lease  # by their names in the statement
    return ByHand(_CLAIM)
