"""Issuing coupons first come, first served, and taking them at payment."""

from datetime import datetime

from django.conf import settings
from django.db.models import BigIntegerField

from core.db.statements import Bound
from core.db.transactions import Conflict, retried
from core.problems import NotFound, Problem
from coupons import statements
from coupons.metrics import ISSUES
from coupons.models import IssuedCoupon
from coupons.problems import (
    CouponAlreadyIssued,
    CouponAlreadyUsed,
    CouponExpired,
    CouponNotFound,
    CouponNotOpen,
    CouponSoldOut,
)
from coupons.sql import Eligibility, issue_coupon
from users.services import require_member

# What refuses the statement where it came true after the statement began.
OVERTAKEN = {"issued_coupon_one_a_user", "issued_coupon_sequence_from_1"}


def issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    """Issue the user a coupon of the campaign, valid for COUPON_VALID_DAYS × 24 hours.

    Raises NotRegistered, NotFound, CouponNotOpen, CouponAlreadyIssued, CouponSoldOut or Busy.
    """
    issued = _issue(user_id=user_id, coupon_id=coupon_id)
    ISSUES.inc()
    return issued


@retried(guards=OVERTAKEN)
def _issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    eligibility, issued = issue_coupon(
        user_id=user_id, coupon_id=coupon_id, valid_days=settings.COUPON_VALID_DAYS
    )
    require_member(eligibility.is_registered)
    if issued is None:
        raise _refusal(eligibility) or Conflict
    return issued


def _refusal(eligibility: Eligibility) -> Problem | None:
    """Why there is no coupon, in the contract's order; None where another took the last one meanwhile."""
    if not eligibility.is_campaign:
        return NotFound()
    if not eligibility.is_open:
        return CouponNotOpen(opens_at=eligibility.opens_at, closes_at=eligibility.closes_at)
    if eligibility.issued_coupon_id is not None:
        return CouponAlreadyIssued(issued_coupon_id=eligibility.issued_coupon_id)
    return CouponSoldOut() if eligibility.is_sold_out else None


def held(*, user_id: int, issued_coupon_id: int | None) -> list[Bound[list[IssuedCoupon]]]:
    """The statement that reads the user's coupon of that id; none where no row can have the id."""
    if issued_coupon_id is None or not 0 < issued_coupon_id <= BigIntegerField.MAX_BIGINT:
        return []
    return [statements.held(user_id=user_id, issued_coupon_id=issued_coupon_id)]


def discount_of(coupon: IssuedCoupon | None, *, subtotal: int, now: datetime) -> int:
    """The won that a coupon, if the user holds it, takes off the subtotal at a time; nothing is written.

    Raises CouponNotFound, CouponAlreadyUsed or CouponExpired.
    """
    if coupon is None:
        raise CouponNotFound
    status = coupon.status(now=now)
    if status == "used":
        raise CouponAlreadyUsed
    if status == "expired":
        raise CouponExpired
    return coupon.discount_on(subtotal=subtotal)


def redeemed(*, user_id: int, issued_coupon_id: int | None, now: datetime) -> list[Bound[int]]:
    """The statement that uses the user's coupon up, if one is given; it answers 0 where it no longer can."""
    if issued_coupon_id is None:
        return []
    return [statements.redeem(user_id=user_id, issued_coupon_id=issued_coupon_id, now=now)]
