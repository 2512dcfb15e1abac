"""A coupon that is to be used."""

from datetime import datetime

from django.db.models import QuerySet

from api.statements import Update, statement
from coupons.models import IssuedCoupon


@statement
def held(*, user_id: int, issued_coupon_id: int) -> "QuerySet[IssuedCoupon, IssuedCoupon]":
    """The user's coupon of that id; none where it is another's or does not exist."""
    return IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id)


@statement
def redeem(*, user_id: int, issued_coupon_id: int, now: datetime) -> Update:
    """Mark it used, once; no row where it is not the user's, used or out of time by now."""
    usable = IssuedCoupon.objects.filter(
        user_id=user_id, pk=issued_coupon_id, used_at=None, issued_at__lte=now, expires_at__gt=now
    )
    return Update(usable, {"used_at": now})
