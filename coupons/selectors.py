"""Reading campaigns and issued coupons."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import BigIntegerField, F, FloatField, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Greatest, Now

from coupons.models import Coupon, CouponQuerySet, IssuedCoupon, IssuedCouponQuerySet


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


# A pace is that of the newest issues, so it needs one row of a campaign however many were issued.
PACE_OF_NEWEST = 100
FEWEST_FOR_A_PACE = 10
FORESEEN = timedelta(days=30)


@dataclass(frozen=True)
class BurnDown:
    """A campaign that is being handed out, its pace in issues an hour, and when it will be sold out at that.

    No pace before the tenth issue; no moment where it closes earlier or lasts for more than 30 days.
    """

    coupon: Coupon
    hourly: float | None
    sold_out_at: datetime | None


def burning_down(*, limit: int) -> list[BurnDown]:
    """The campaigns that are open and not sold out, at most `limit`: first whose share issued is largest."""
    return [_burn_down(coupon) for coupon in _open_campaigns()[:limit]]


def _open_campaigns() -> CouponQuerySet:
    opened = Q(opens_at=None) | Q(opens_at__lte=Now())
    not_closed = Q(closes_at=None) | Q(closes_at__gt=Now())
    newest = IssuedCoupon.objects.filter(
        coupon=OuterRef("pk"), sequence=Greatest(OuterRef("issued") - (PACE_OF_NEWEST - 1), 1)
    )
    campaigns = Coupon.objects.filter(opened & not_closed, issued__lt=F("quantity"))
    share = Cast("issued", FloatField()) / F("quantity")
    return campaigns.annotate(read_at=Now(), paced_since=Subquery(newest.values("issued_at"))).order_by(
        share.desc(), "pk"
    )


def _burn_down(coupon: Coupon) -> BurnDown:
    now, since = coupon.read_at, coupon.paced_since  # type: ignore[attr-defined]  # by _open_campaigns
    if since is None or coupon.issued < FEWEST_FOR_A_PACE:
        return BurnDown(coupon, None, None)
    seconds = max((now - since).total_seconds(), 1.0)
    a_second = min(coupon.issued, PACE_OF_NEWEST) / seconds
    return BurnDown(coupon, a_second * 3600, _sold_out_at(coupon, now=now, a_second=a_second))


def _sold_out_at(coupon: Coupon, *, now: datetime, a_second: float) -> datetime | None:
    seconds = coupon.remaining / a_second
    if seconds > FORESEEN.total_seconds():
        return None
    moment = now + timedelta(seconds=seconds)
    return None if coupon.closes_at and coupon.closes_at <= moment else moment
