"""Reading campaigns and issued coupons."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, FloatField, OuterRef, Q, Subquery
from django.db.models.functions import Cast, Greatest, Now

from core.db.exchange import send
from core.db.pages import Page
from coupons import statements
from coupons.models import Coupon, CouponQuerySet, IssuedCoupon, Status
from users.services import read_for_member


def shown_campaign(*, coupon_id: int) -> list[Coupon]:
    """The campaign of that id, if there is one."""
    (found,) = send(statements.campaign(coupon_id=coupon_id))
    return found


def shown_campaigns(page: Page) -> list[Coupon]:
    (found,) = send(statements.campaigns(**page.by_id))
    return found


def issued_coupon_of(*, user_id: int, issued_coupon_id: int) -> list[Any]:
    """What the user holds under that id, if anything. Raises NotRegistered."""
    held = statements.issued_coupon(user_id=user_id, issued_coupon_id=issued_coupon_id)
    return read_for_member(held, user_id=user_id)


def issued_coupons_of(*, user_id: int, status: Status | None, page: Page) -> list[Any]:
    """A page of what the user holds, of one status or of all, newest first. Raises NotRegistered."""
    held = statements.issued_coupons(user_id=user_id, status=status, **page.by_timestamp)
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
