"""Coupons as people see them, and one that is to be used."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from core.db.pages import PageShape
from core.db.statements import Update, statement, variants
from coupons.models import Coupon, IssuedCoupon, Status

NEWEST_FIRST = ("-issued_at", "-id")
SHOWN = (
    "id",
    "coupon_id",
    "name",
    "discount_type",
    "discount_value",
    "max_discount",
    "sequence",
    "issued_at",
    "expires_at",
    "used_at",
)


@statement
def campaign(*, coupon_id: int) -> "QuerySet[Coupon, Coupon]":
    return Coupon.objects.filter(pk=coupon_id)


@variants("shape")
def campaigns(*, shape: PageShape, pk: int | None) -> "QuerySet[Coupon, Coupon]":
    return shape.of(Coupon.objects.all(), ["id"], pk=pk)


@statement
def issued_coupon(*, user_id: int, issued_coupon_id: int) -> "QuerySet[IssuedCoupon, Any]":
    """The user's coupon of that id; `read_at` is the database's time, for its status."""
    held = IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id)
    return held.annotate(read_at=Now()).values_list(*SHOWN, "read_at", named=True)


@variants("shape", "status")
def issued_coupons(
    *, user_id: int, status: Status | None, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[IssuedCoupon, Any]":
    """A page of the user's coupons, of one status where one is given; each with `read_at`."""
    held = IssuedCoupon.objects.filter(user_id=user_id)
    if status is not None:
        held = held.with_status(status)
    page = shape.of(held.annotate(read_at=Now()), NEWEST_FIRST, pk=pk, timestamp=timestamp)
    return page.values_list(*SHOWN, "read_at", named=True)


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
