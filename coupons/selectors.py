"""Reading campaigns and issued coupons."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, FloatField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Cast, Greatest, Now

from core.db.exchange import send_one
from core.db.pages import Page, PageShape
from core.db.statements import statement, variants
from coupons.models import TERMS, Coupon, CouponQuerySet, IssuedCoupon, Status
from users.selectors import read_for_member

NEWEST_FIRST = ("-issued_at", "-id")
SHOWN = ("id", "coupon_id", *TERMS, "sequence", "issued_at", "expires_at", "used_at")


@statement
def _campaign(*, coupon_id: int) -> "QuerySet[Coupon, Coupon]":
    return Coupon.objects.filter(pk=coupon_id)


@variants("shape")
def _campaigns(*, shape: PageShape, pk: int | None) -> "QuerySet[Coupon, Coupon]":
    return shape.of(Coupon.objects.all(), ["id"], pk=pk)


@statement
def _issued_coupon(*, user_id: int, issued_coupon_id: int) -> "QuerySet[IssuedCoupon, Any]":
    # Its status is judged by the database's clock.
    held = IssuedCoupon.objects.filter(user_id=user_id, pk=issued_coupon_id)
    return held.annotate(read_at=Now()).values_list(*SHOWN, "read_at", named=True)


@variants("shape", "status")
def _issued_coupons(
    *, user_id: int, status: Status | None, shape: PageShape, pk: int | None, timestamp: datetime | None
) -> "QuerySet[IssuedCoupon, Any]":
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
    """The user's issued coupon of that id, if any. Raises NotRegistered."""
    held = _issued_coupon(user_id=user_id, issued_coupon_id=issued_coupon_id)
    return read_for_member(held, user_id=user_id)


def issued_coupons_of(*, user_id: int, status: Status | None, page: Page) -> list[Any]:
    """A page of the user's issued coupons, of one status or of all, newest first. Raises NotRegistered."""
    held = _issued_coupons(user_id=user_id, status=status, **page.by_timestamp)
    return read_for_member(held, user_id=user_id)


# The pace comes from the newest issues, so it reads two rows of a campaign for any number issued.
SAMPLE_SIZE = 100
FEWEST_FOR_A_PACE = 10
HORIZON = timedelta(days=30)
# "About to open" and "just finished" on the admin's first page.
NEAR = timedelta(days=7)
# The first coupons have had the most time to be used.
USED_SAMPLE_SIZE = 10_000


@dataclass(frozen=True)
class IssueForecast:
    """A campaign, its pace in issues an hour and, while it runs, the time at which it sells out at this pace.

    No pace before the tenth issue; no time if it closes earlier or lasts for more than 30 days. A campaign
    that does not run has the pace of its last issues.
    """

    coupon: Coupon
    hourly: float | None
    sold_out_at: datetime | None

    @property
    def per_minute(self) -> float | None:
        return None if self.hourly is None else self.hourly / 60


@dataclass(frozen=True)
class UsedShare:
    """How many of the first `counted` issued coupons are used."""

    used: int
    counted: int


def issue_forecasts(*, limit: int) -> list[IssueForecast]:
    """The campaigns that are open and not sold out, at most `limit`: first whose share issued is largest."""
    share = Cast("issued", FloatField()) / F("quantity")
    running = Coupon.objects.with_state("running")
    return [_forecast(coupon) for coupon in _with_pace(running).order_by(share.desc(), "pk")[:limit]]


def issue_forecast(*, coupon_id: int) -> IssueForecast:
    """The forecast of one campaign, which exists."""
    return _forecast(_with_pace(Coupon.objects.filter(pk=coupon_id)).get())


def opening_soon(*, limit: int) -> CouponQuerySet:
    """The campaigns that open within 7 days, at most `limit`: the next one first."""
    soon = Coupon.objects.with_state("scheduled").filter(opens_at__lte=Now() + NEAR)
    return soon.order_by("opens_at", "pk")[:limit]


def just_finished(*, limit: int) -> CouponQuerySet:
    """The campaigns that closed or sold out in the last 7 days, at most `limit`: the last to end first.

    Each with `ended_at` and `read_at`, the time at which it was read.
    """
    sold_out = Q(issued__gte=F("quantity"))
    ended_at = Case(When(sold_out, then=_issued_at(OuterRef("issued"))), default=F("closes_at"))
    ended = Coupon.objects.filter(sold_out | Q(closes_at__lte=Now())).exclude(opens_at__gt=Now())
    recent = ended.annotate(ended_at=ended_at, read_at=Now()).filter(ended_at__gt=Now() - NEAR)
    return recent.filter(ended_at__lte=Now()).order_by("-ended_at", "-pk")[:limit]


def used_share(*, coupon_id: int) -> UsedShare:
    """How many of the issued coupons are used, counted in the first USED_SAMPLE_SIZE."""
    first = IssuedCoupon.objects.filter(coupon_id=coupon_id, sequence__lte=USED_SAMPLE_SIZE)
    return UsedShare(**first.aggregate(used=Count("used_at"), counted=Count("pk")))


def _issued_at(sequence: Any) -> Subquery:
    issued = IssuedCoupon.objects.filter(coupon=OuterRef("pk"), sequence=sequence)
    return Subquery(issued.values("issued_at"))


def _with_pace(campaigns: CouponQuerySet) -> CouponQuerySet:
    return campaigns.annotate(
        read_at=Now(),
        paced_since=_issued_at(Greatest(OuterRef("issued") - (SAMPLE_SIZE - 1), 1)),
        paced_until=_issued_at(OuterRef("issued")),
    )


def _forecast(coupon: Any) -> IssueForecast:
    state = coupon.state_at(coupon.read_at)
    until = coupon.read_at if state == "running" else coupon.paced_until
    if coupon.paced_since is None or coupon.issued < FEWEST_FOR_A_PACE:
        return IssueForecast(coupon, None, None)
    seconds = max((until - coupon.paced_since).total_seconds(), 1.0)
    rate_per_second = min(coupon.issued, SAMPLE_SIZE) / seconds
    sold_out_at = _sold_out_at(coupon, now=until, rate_per_second=rate_per_second)
    return IssueForecast(coupon, rate_per_second * 3600, sold_out_at if state == "running" else None)


def _sold_out_at(coupon: Coupon, *, now: datetime, rate_per_second: float) -> datetime | None:
    seconds = coupon.remaining / rate_per_second
    if seconds > HORIZON.total_seconds():
        return None
    sold_out_at = now + timedelta(seconds=seconds)
    return None if coupon.closes_at and coupon.closes_at <= sold_out_at else sold_out_at
