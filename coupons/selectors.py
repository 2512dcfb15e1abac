"""Reading campaigns and issued coupons."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, FloatField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Greatest, Now

from core.db.exchange import send_one
from core.db.pages import Page, PageShape
from core.db.statements import statement, variants
from coupons.models import Coupon, CouponQuerySet, IssuedCoupon, Status
from users.selectors import read_for_member

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
def _campaign(*, coupon_id: int) -> "QuerySet[Coupon, Coupon]":
    return Coupon.objects.filter(pk=coupon_id)


@variants("shape")
def _campaigns(*, shape: PageShape, pk: int | None) -> "QuerySet[Coupon, Coupon]":
    return shape.of(Coupon.objects.all(), ["id"], pk=pk)


@statement
def _issued_coupon(*, user_id: int, issued_coupon_id: int) -> "QuerySet[IssuedCoupon, Any]":
    """The user's coupon of that id; `read_at` is the database's time, for its status."""
    held = IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id)
    return held.annotate(read_at=Now()).values_list(*SHOWN, "read_at", named=True)


@variants("shape", "status")
def _issued_coupons(
    *, user_id: int, status: Status | None, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[IssuedCoupon, Any]":
    """A page of the user's coupons, of one status where one is given; each with `read_at`."""
    held = IssuedCoupon.objects.filter(user_id=user_id)
    if status is not None:
        held = held.with_status(status)
    page = shape.of(held.annotate(read_at=Now()), NEWEST_FIRST, pk=pk, timestamp=timestamp)
    return page.values_list(*SHOWN, "read_at", named=True)


def campaign(*, coupon_id: int) -> list[Coupon]:
    """The campaign of that id, if there is one."""
    return send_one(_campaign(coupon_id=coupon_id))


def campaigns(page: Page) -> list[Coupon]:
    return send_one(_campaigns(**page.by_id))


def issued_coupon_of(*, user_id: int, issued_coupon_id: int) -> list[Any]:
    """What the user holds under that id, if anything. Raises NotRegistered."""
    held = _issued_coupon(user_id=user_id, issued_coupon_id=issued_coupon_id)
    return read_for_member(held, user_id=user_id)


def issued_coupons_of(*, user_id: int, status: Status | None, page: Page) -> list[Any]:
    """A page of what the user holds, of one status or of all, newest first. Raises NotRegistered."""
    held = _issued_coupons(user_id=user_id, status=status, **page.by_timestamp)
    return read_for_member(held, user_id=user_id)


# A pace is that of the newest issues, so it needs one row of a campaign however many were issued.
SAMPLE_SIZE = 100
FEWEST_FOR_A_PACE = 10
HORIZON = timedelta(days=30)


@dataclass(frozen=True)
class IssueForecast:
    """A running campaign, its pace in issues an hour, and when it will be sold out at that.

    No pace before the tenth issue; no time where it closes earlier or lasts for more than 30 days.
    """

    coupon: Coupon
    hourly: float | None
    sold_out_at: datetime | None


def issue_forecasts(*, limit: int) -> list[IssueForecast]:
    """The campaigns that are open and not sold out, at most `limit`: first whose share issued is largest."""
    return [_forecast(coupon) for coupon in _open_campaigns()[:limit]]


def _open_campaigns() -> CouponQuerySet:
    opened = Q(opens_at=None) | Q(opens_at__lte=Now())
    not_closed = Q(closes_at=None) | Q(closes_at__gt=Now())
    newest = IssuedCoupon.objects.filter(
        coupon=OuterRef("pk"), sequence=Greatest(OuterRef("issued") - (SAMPLE_SIZE - 1), 1)
    )
    campaigns = Coupon.objects.filter(opened & not_closed, issued__lt=F("quantity"))
    share = Cast("issued", FloatField()) / F("quantity")
    return campaigns.annotate(read_at=Now(), paced_since=Subquery(newest.values("issued_at"))).order_by(
        share.desc(), "pk"
    )


def _forecast(coupon: Coupon) -> IssueForecast:
    now, since = coupon.read_at, coupon.paced_since  # type: ignore[attr-defined]  # by _open_campaigns
    if since is None or coupon.issued < FEWEST_FOR_A_PACE:
        return IssueForecast(coupon, None, None)
    seconds = max((now - since).total_seconds(), 1.0)
    rate_per_second = min(coupon.issued, SAMPLE_SIZE) / seconds
    return IssueForecast(
        coupon, rate_per_second * 3600, _sold_out_at(coupon, now=now, rate_per_second=rate_per_second)
    )


def _sold_out_at(coupon: Coupon, *, now: datetime, rate_per_second: float) -> datetime | None:
    seconds = coupon.remaining / rate_per_second
    if seconds > HORIZON.total_seconds():
        return None
    sold_out_at = now + timedelta(seconds=seconds)
    return None if coupon.closes_at and coupon.closes_at <= sold_out_at else sold_out_at
