"""Handing out coupons first come, first served, and taking them at payment."""

from datetime import datetime
from typing import NoReturn

from django.conf import settings
from django.db import IntegrityError

from api.problems import NotFound, NotRegistered, Problem
from api.statements import Bound
from api.transactions import Conflict, retried, violated_constraint
from coupons import rush, selectors, statements
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
from users.models import User
from users.problems import CHALLENGE
from users.services import require_member

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


@retried()
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
        require_member(list(User.objects.filter(pk=user_id)))
        raise NotFound
    refusal = _refusal(standing)
    if refusal is None:
        raise Conflict
    raise refusal


def _refusal(standing: Standing) -> Problem | None:
    """What stands between the user and a coupon, in the contract's order."""
    if not standing.is_registered:
        return NotRegistered(headers={"WWW-Authenticate": CHALLENGE})
    if not standing.is_open:
        return CouponNotOpen(opens_at=standing.opens_at, closes_at=standing.closes_at)
    if standing.issued_coupon_id is not None:
        return CouponAlreadyIssued(issued_coupon_id=standing.issued_coupon_id)
    return CouponSoldOut() if standing.is_sold_out else None


def discount_of(held: IssuedCoupon | None, *, subtotal: int, now: datetime) -> int:
    """The won that a coupon, if the user holds it, takes off the subtotal at a moment; nothing is written.

    Raises CouponNotFound, CouponAlreadyUsed or CouponExpired.
    """
    if held is None:
        raise CouponNotFound
    status = held.status(now=now)
    if status == "used":
        raise CouponAlreadyUsed
    if status == "expired":
        raise CouponExpired
    return held.discount_on(subtotal=subtotal)


def redeemed(*, user_id: int, issued_coupon_id: int | None, now: datetime) -> list[Bound[int]]:
    """The statement that uses the user's coupon up, if one is given; it answers 0 where it no longer can."""
    if issued_coupon_id is None:
        return []
    return [statements.redeem(user_id=user_id, issued_coupon_id=issued_coupon_id, now=now)]
