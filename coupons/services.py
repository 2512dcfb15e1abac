"""Issuing coupons, first come first served, and checkout's reads and use of them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from core.db.exchange import send_durably
from core.db.statements import Update, statement
from core.db.transactions import Conflict, database_now, retried
from core.problems import NotFound, NotRegistered, Problem
from coupons.metrics import ISSUES
from coupons.models import Coupon, IssuedCoupon, status_of
from coupons.problems import (
    CouponAlreadyIssued,
    CouponAlreadyUsed,
    CouponExpired,
    CouponNotFound,
    CouponNotOpen,
    CouponSoldOut,
)
from coupons.sql import ISSUED_COLUMNS, Eligibility, issue_coupon

# Constraints that a change during the statement violates: the user got a coupon, or the campaign closed,
# which makes the sequence 0 (coupons/sql.py).
OVERTAKEN = {"issued_coupon_one_a_user", "issued_coupon_sequence_from_1"}


@retried(guards=OVERTAKEN)
def issue(*, user_id: int, coupon_id: int) -> IssuedCoupon:
    """Issue the user a coupon of the campaign, valid for COUPON_VALID_DAYS × 24 hours.

    By one statement, which is its own transaction. Raises NotRegistered, NotFound, CouponNotOpen,
    CouponAlreadyIssued, CouponSoldOut, Busy or Unavailable.
    """
    attempt = issue_coupon(user_id=user_id, coupon_id=coupon_id, valid_days=settings.COUPON_VALID_DAYS)
    (row,) = send_durably(attempt)
    stood, issued = row[: -len(ISSUED_COLUMNS)], row[-len(ISSUED_COLUMNS) :]
    eligibility = Eligibility(*stood)
    if not eligibility.is_registered:
        raise NotRegistered
    if issued[0] is None:
        if refusal := _refusal(eligibility):
            raise refusal
        raise Conflict
    ISSUES.inc()
    return IssuedCoupon(**dict(zip(ISSUED_COLUMNS, issued, strict=True)))


def _refusal(eligibility: Eligibility) -> Problem | None:
    # In the contract's order; none of them where another request was faster.
    if not eligibility.is_campaign:
        return NotFound()
    if not eligibility.is_open:
        return CouponNotOpen(opens_at=eligibility.opens_at, closes_at=eligibility.closes_at)
    if eligibility.issued_coupon_id is not None:
        return CouponAlreadyIssued(issued_coupon_id=eligibility.issued_coupon_id)
    return CouponSoldOut() if eligibility.is_sold_out else None


@dataclass(frozen=True)
class Closed:
    """A campaign as it was before it was closed, when it would have closed, and when it did."""

    coupon: Coupon
    planned: datetime | None
    closed_at: datetime


def close_now(*, coupon_ids: Collection[int]) -> list[Closed]:
    """Close the campaigns in their period, sold out or not; others stay as they are. Within a transaction.

    They close at the database's time once all are locked: no coupon is issued at that time or later, and
    earlier coupons stay as they are.
    """
    campaigns = list(Coupon.objects.locked(coupon_ids=coupon_ids))
    now = database_now()
    running = [each for each in campaigns if each.state_at(now) in {"running", "sold_out"}]
    Coupon.objects.filter(pk__in=[each.pk for each in running]).update(closes_at=now)
    return [Closed(coupon, coupon.closes_at, now) for coupon in running]


@statement
def held(*, user_id: int, issued_coupon_id: int) -> "QuerySet[IssuedCoupon, IssuedCoupon]":
    """The user's coupon of that id; none if it is another user's or does not exist."""
    return IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id)


@statement
def redeem(*, user_id: int, issued_coupon_id: int, now: datetime) -> Update:
    """Mark it used, once; changes no row if it is not the user's, already used or expired."""
    usable = IssuedCoupon.objects.filter(
        user_id=user_id, pk=issued_coupon_id, used_at=None, issued_at__lte=now, expires_at__gt=now
    )
    return Update(usable, {"used_at": now})


def discount_of(coupon: IssuedCoupon | None, *, subtotal: int, now: datetime) -> int:
    """The won that a coupon, if the user holds it, takes off the subtotal at a time; nothing is written.

    Raises CouponNotFound, CouponAlreadyUsed or CouponExpired.
    """
    if coupon is None:
        raise CouponNotFound
    status = status_of(coupon, now=now)
    if status == "used":
        raise CouponAlreadyUsed
    if status == "expired":
        raise CouponExpired
    return coupon.discount_on(subtotal=subtotal)
