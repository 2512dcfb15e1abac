"""Handing out coupons first come, first served, and taking them at payment."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError

from api.problems import NotFound, Problem
from api.times import rfc3339
from api.transactions import Conflict, unit_of_work, violated_constraint
from coupons import selectors
from coupons.metrics import ISSUES
from coupons.models import Coupon, IssuedCoupon


class CouponNotOpen(Problem):
    """The campaign has not opened yet, or has closed."""

    code = "coupon_not_open"

    def __init__(self, *, opens_at: datetime | None, closes_at: datetime | None) -> None:
        super().__init__(opens_at=opens_at and rfc3339(opens_at), closes_at=closes_at and rfc3339(closes_at))


class CouponAlreadyIssued(Problem):
    """The user has one of this campaign."""

    code = "coupon_already_issued"

    def __init__(self, *, issued_coupon_id: int) -> None:
        super().__init__(issued_coupon_id=issued_coupon_id)


class CouponSoldOut(Problem):
    """All of them are issued, and committed."""

    code = "coupon_sold_out"


class CouponNotFound(Problem):
    """The order names a coupon that the user does not hold."""

    code = "coupon_not_found"


class CouponAlreadyUsed(Problem):
    """An order has used the coupon."""

    code = "coupon_already_used"


class CouponExpired(Problem):
    """The coupon ran out."""

    code = "coupon_expired"


def issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    """Hand the user a coupon of the campaign, valid for COUPON_VALID_DAYS × 24 hours.

    Raises NotFound, CouponNotOpen, CouponAlreadyIssued, CouponSoldOut or Busy.
    """
    try:
        issued = _issue(user_id=user_id, coupon_id=coupon_id)
    except IntegrityError as error:
        if violated_constraint(error) != "issued_coupon_one_a_user":
            raise
        # The same user's other request was first; its count stands, ours was rolled back.
        _require_none_issued(user_id=user_id, coupon_id=coupon_id)
        raise
    ISSUES.inc()
    return issued


@unit_of_work
def _issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    _open_campaign(coupon_id=coupon_id)
    _require_none_issued(user_id=user_id, coupon_id=coupon_id)
    if not Coupon.objects.take_one(coupon_id=coupon_id):
        # While we waited for the row, the user's other request may have taken the last one.
        _require_none_issued(user_id=user_id, coupon_id=coupon_id)
        raise CouponSoldOut
    # The row is ours until we commit: its count is our place in the queue. Terms and moment are read again,
    # for an operator may have changed or closed the campaign while we waited.
    coupon, now = _open_campaign(coupon_id=coupon_id)
    return IssuedCoupon.objects.create(
        coupon_id=coupon_id,
        user_id=user_id,
        sequence=coupon.issued,
        name=coupon.name,
        discount_type=coupon.discount_type,
        discount_value=coupon.discount_value,
        max_discount=coupon.max_discount,
        issued_at=now,
        expires_at=now + timedelta(days=settings.COUPON_VALID_DAYS),
    )


def _open_campaign(*, coupon_id: int) -> tuple[Coupon, datetime]:
    """The campaign and the database's moment. Raises NotFound or CouponNotOpen."""
    found = selectors.campaign(coupon_id=coupon_id)
    if found is None:
        raise NotFound
    coupon, now = found
    if not coupon.is_open(now=now):
        raise CouponNotOpen(opens_at=coupon.opens_at, closes_at=coupon.closes_at)
    return found


def _require_none_issued(*, user_id: int, coupon_id: int) -> None:
    issued_coupon_id = selectors.coupon_issued_to(user_id=user_id, coupon_id=coupon_id)
    if issued_coupon_id is not None:
        raise CouponAlreadyIssued(issued_coupon_id=issued_coupon_id)


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
