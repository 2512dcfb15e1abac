"""Reading campaigns and issued coupons."""

from datetime import datetime

from django.db.models import BigIntegerField
from django.db.models.functions import Now

from coupons.models import Coupon, IssuedCoupon, IssuedCouponQuerySet


def campaign(*, coupon_id: int) -> tuple[Coupon, datetime] | None:
    """The campaign, and the database's moment at which it was read."""
    coupon = Coupon.objects.filter(pk=coupon_id).annotate(read_at=Now()).first()
    return None if coupon is None else (coupon, coupon.read_at)  # type: ignore[attr-defined]


def issued_coupons_of(*, user_id: int) -> IssuedCouponQuerySet:
    """What the user holds; each row carries the database's moment as `read_at`, for its status."""
    return IssuedCoupon.objects.filter(user_id=user_id).annotate(read_at=Now())


def held_coupon(*, user_id: int, issued_coupon_id: int) -> IssuedCoupon | None:
    """The user's coupon of that id; None where it is another's or does not exist."""
    if not 0 < issued_coupon_id <= BigIntegerField.MAX_BIGINT:
        return None
    return IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id).first()


def coupon_issued_to(*, user_id: int, coupon_id: int) -> int | None:
    """The id of the coupon that the user got from the campaign, if any."""
    return (
        IssuedCoupon.objects.filter(coupon_id=coupon_id, user_id=user_id).values_list("pk", flat=True).first()
    )
