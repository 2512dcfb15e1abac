"""Reading campaigns and issued coupons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, Exists, F, FloatField, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Greatest, Now

from api.statements import Bound
from coupons import statements
from coupons.models import Coupon, CouponQuerySet, IssuedCoupon, IssuedCouponQuerySet
from users.models import User


@dataclass(frozen=True)
class Standing:
    """How a campaign stood for a user at one moment; `issued_coupon_id` is what they hold of it."""

    is_registered: bool
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    issued_coupon_id: int | None
    is_sold_out: bool


def standing(*, user_id: int, coupon_id: int) -> Standing | None:
    """How the campaign stands for the user by the database's clock; None where there is no such campaign."""
    held = IssuedCoupon.objects.filter(coupon=OuterRef("pk"), user=user_id).values("pk")
    coupon: Any = (
        Coupon.objects.filter(pk=coupon_id)
        .annotate(read_at=Now(), held=Subquery(held), registered=Exists(User.objects.filter(pk=user_id)))
        .first()
    )
    if coupon is None:
        return None
    return Standing(
        is_registered=coupon.registered,
        is_open=coupon.is_open(now=coupon.read_at),
        opens_at=coupon.opens_at,
        closes_at=coupon.closes_at,
        issued_coupon_id=coupon.held,
        is_sold_out=coupon.remaining == 0,
    )


def campaign(*, coupon_id: int) -> tuple[Coupon, datetime] | None:
    """The campaign, and the database's moment at which it was read."""
    coupon = Coupon.objects.filter(pk=coupon_id).annotate(read_at=Now()).first()
    return None if coupon is None else (coupon, coupon.read_at)  # type: ignore[attr-defined]


def members_among(*, first_id: int, last_id: int) -> Iterable[int]:
    """The ids in the range that are members'."""
    return User.objects.filter(pk__range=(first_id, last_id)).values_list("pk", flat=True)


def holders_among(*, coupon_id: int, first_id: int, last_id: int) -> Iterable[tuple[int, int]]:
    """Who of the members in the range got something from the campaign, and its id.

    In this order, or the planner, which knows nothing yet of a new campaign, would look through all holders.
    """
    holders = IssuedCoupon.objects.filter(coupon_id=coupon_id, user_id__gte=first_id, user_id__lte=last_id)
    return holders.order_by("user_id").values_list("user_id", "pk")


def issued_coupons_of(*, user_id: int) -> IssuedCouponQuerySet:
    """What the user holds; each row carries the database's moment as `read_at`, for its status."""
    return IssuedCoupon.objects.filter(user_id=user_id).annotate(read_at=Now())


def asked_for(*, user_id: int, issued_coupon_id: int | None) -> list[Bound[list[IssuedCoupon]]]:
    """The statement that reads the user's coupon of that id; none where no row can have the id."""
    if issued_coupon_id is None or not 0 < issued_coupon_id <= BigIntegerField.MAX_BIGINT:
        return []
    return [statements.held(user_id=user_id, issued_coupon_id=issued_coupon_id)]


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
