"""Handing out coupons first come, first served, and taking them at payment."""

from datetime import datetime
from typing import NoReturn

from django.conf import settings
from django.db import IntegrityError

from api.problems import NotFound, Problem
from api.transactions import Conflict, one_statement, violated_constraint
from coupons import rush, selectors
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
from coupons.selectors import Standing

# What refuses a statement that had begun when it was still possible.
OUTRUN = {"issued_coupon_one_a_user", "issued_coupon_sequence_from_1"}


def issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    """Hand the user a coupon of the campaign, valid for COUPON_VALID_DAYS × 24 hours.

    Raises NotFound, CouponNotOpen, CouponAlreadyIssued, CouponSoldOut or Busy.
    """
    known = rush.standing(user_id=user_id, coupon_id=coupon_id)
    if known and known.is_registered and (refusal := _refusal(known)):
        rush.refused(coupon_id=coupon_id)
        raise refusal
    try:
        issued = _issue(user_id=user_id, coupon_id=coupon_id)
    except (CouponNotOpen, CouponAlreadyIssued, CouponSoldOut):
        rush.refused(coupon_id=coupon_id)
        rush.missed(user_id=user_id, coupon_id=coupon_id)
        raise
    ISSUES.inc()
    return issued


@one_statement
def _issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    try:
        issued = IssuedCoupon.objects.hand_out(
            coupon_id=coupon_id, user_id=user_id, valid_days=settings.COUPON_VALID_DAYS
        )
    except IntegrityError as error:
        if violated_constraint(error) not in OUTRUN:
            raise
        issued = None
    if issued is None:
        _explain(user_id=user_id, coupon_id=coupon_id)
    return issued


def _explain(*, user_id: int, coupon_id: int) -> NoReturn:
    """Say why nothing was handed out. Raises Conflict where by now there is no reason any more."""
    standing = selectors.standing(user_id=user_id, coupon_id=coupon_id)
    if standing is None:
        raise NotFound
    refusal = _refusal(standing)
    if refusal is None:
        raise Conflict
    raise refusal


def _refusal(standing: Standing) -> Problem | None:
    """What stands between the user and a coupon, in the contract's order."""
    refusal: Problem | None = None
    if not standing.is_open:
        refusal = CouponNotOpen(opens_at=standing.opens_at, closes_at=standing.closes_at)
    elif standing.issued_coupon_id is not None:
        refusal = CouponAlreadyIssued(issued_coupon_id=standing.issued_coupon_id)
    elif standing.is_sold_out:
        refusal = CouponSoldOut()
    if refusal:
        refusal.caller_is_registered = standing.is_registered
    return refusal


def discount_for(*, user_id: int, issued_coupon_id: int, subtotal: int, now: datetime) -> int:
    """The won that the user's coupon takes off the subtotal at a moment; nothing is written.

    Raises CouponNotFound, CouponAlreadyUsed or CouponExpired.
    """
    issued = selectors.held_coupon(user_id=user_id, issued_coupon_id=issued_coupon_id)
    if issued is None:
        raise CouponNotFound
    status = issued.status(now=now)
    if status == "used":
        raise CouponAlreadyUsed
    if status == "expired":
        raise CouponExpired
    return issued.discount_on(subtotal=subtotal)


def redeem(*, user_id: int, issued_coupon_id: int, now: datetime) -> None:
    """Use the user's coupon up within the caller's transaction.

    Raises CouponNotFound, CouponAlreadyUsed or CouponExpired; Conflict where it changed under our eyes.
    """
    if not IssuedCoupon.objects.redeem(issued_coupon_id=issued_coupon_id, user_id=user_id, now=now):
        discount_for(user_id=user_id, issued_coupon_id=issued_coupon_id, subtotal=0, now=now)
        raise Conflict
