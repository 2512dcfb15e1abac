"""SQL that the ORM cannot express: an UPDATE whose RETURNING feeds an INSERT."""

from dataclasses import dataclass
from datetime import datetime

from core.db.statements import ByHand, statement
from coupons.models import TERMS

# The columns of ISSUE_COUPON after those of Eligibility, in its order; NULLs if no coupon is issued.
ISSUED_COLUMNS = ("id", "coupon_id", "user_id", "sequence", *TERMS, "issued_at", "expires_at")

# One statement, so that the campaign's row, which everybody wants, is locked for no longer than PostgreSQL
# needs: neither BEGIN nor COMMIT nor this process is waited for meanwhile
# (docs/adr/0013-a-coupon-is-issued-or-refused-in-one-statement.md).
#
# 1. `eligibility` refuses before that row is touched, so those who are refused do not wait for it. "+ 0"
#    is for the planner, which has no statistics of a new campaign: it leaves only the index by user,
#    where the index by (coupon, sequence) would read all that was issued.
# 2. `counted` waits for the row, counts from what was committed last, and copies the terms of that time.
# 3. `issued` compares the clock once more, for a campaign can close while its row is waited for. A sequence
#    of 0 then violates issued_coupon_sequence_from_1, which rolls the count back. Locking the row by a SELECT
#    before comparing would do without the violation, but issues a fifth fewer coupons a second.
ISSUE_COUPON = """
WITH eligibility AS (
    SELECT
        member.id IS NOT NULL AS is_registered,
        campaign.id IS NOT NULL AS is_campaign,
        coalesce(opens_at <= now, true) AND coalesce(now < closes_at, true) AS is_open,
        opens_at,
        closes_at,
        (
            SELECT id FROM coupons_issuedcoupon
            WHERE user_id = %(user_id)s AND coupon_id + 0 = %(coupon_id)s
        ) AS issued_coupon_id,
        coalesce(issued >= quantity, false) AS is_sold_out
    FROM clock_timestamp() AS now
    LEFT JOIN users_user AS member ON member.id = %(user_id)s
    LEFT JOIN coupons_coupon AS campaign ON campaign.id = %(coupon_id)s
), counted AS (
    UPDATE coupons_coupon SET issued = issued + 1
    WHERE id = %(coupon_id)s AND issued < quantity
        AND (SELECT is_registered AND is_open AND issued_coupon_id IS NULL FROM eligibility)
    RETURNING *, clock_timestamp() AS now
), issued AS (
    INSERT INTO coupons_issuedcoupon (
        coupon_id, user_id, sequence, name, discount_type, discount_value, max_discount, issued_at, expires_at
    )
    SELECT
        id, %(user_id)s, CASE WHEN opens_at > now OR closes_at <= now THEN 0 ELSE issued END,
        name, discount_type, discount_value, max_discount, now, now + %(valid_days)s * interval '24 hours'
    FROM counted
    RETURNING
        id, coupon_id, user_id, sequence, name, discount_type, discount_value, max_discount,
        issued_at, expires_at
)
SELECT eligibility.*, issued.* FROM eligibility LEFT JOIN issued ON true
"""


@statement
def issue_coupon(*, user_id: int, coupon_id: int, valid_days: int) -> ByHand:
    """Issue the user a coupon of the campaign unless its eligibility forbids that: the optimistic lock.

    Without a coupon and without a reason against it, another request was faster. Where a reason arose after
    the statement began, a constraint refuses it: `issued_coupon_one_a_user` where the user got one,
    `issued_coupon_sequence_from_1` where the campaign closed, the foreign key where the user was deleted.
    """
    del user_id, coupon_id, valid_days
    return ByHand(ISSUE_COUPON)


@dataclass(frozen=True)
class Eligibility:
    """The campaign's and the caller's state when the statement began, by the database's clock."""

    is_registered: bool
    is_campaign: bool
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    issued_coupon_id: int | None
    is_sold_out: bool
