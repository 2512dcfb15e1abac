"""What a user holds: its status, its last moment, and that it is theirs alone."""

from datetime import timedelta

import pytest

from core.db.exchange import send_one
from coupons import services
from coupons.factories import CouponFactory
from coupons.models import IssuedCoupon
from coupons.problems import CouponExpired
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.scenes import buyer, hold_coupon
from users.factories import UserFactory

MICROSECOND = timedelta(microseconds=1)
AGE = (
    "UPDATE coupons_issuedcoupon SET issued_at = issued_at - interval '720 hours',"
    " expires_at = expires_at - interval '720 hours' WHERE id = %s"
)


def test_callers_coupons_are_listed_newest_first_by_status(http: Client) -> None:
    user = buyer(http)
    used, expired, usable = (hold_coupon(http, user)["id"] for _ in range(3))
    assert http.order(user, {ProductFactory().pk: 1}, issued_coupon_id=used).status == 201
    execute(AGE, expired)
    listed = {
        status: [row["id"] for row in http.get(f"issued-coupons?status={status}", user=user).json["results"]]
        for status in ("usable", "used", "expired")
    }
    assert listed == {"usable": [usable], "used": [used], "expired": [expired]}
    everything = http.get("issued-coupons", user=user).json["results"]
    assert [(row["id"], row["status"]) for row in everything] == [
        (usable, "usable"),
        (used, "used"),
        (expired, "expired"),
    ]


def test_used_coupon_says_when_and_stays_used_after_its_time(http: Client) -> None:
    user = buyer(http)
    coupon = hold_coupon(http, user)["id"]
    order = http.order(user, {ProductFactory().pk: 1}, issued_coupon_id=coupon).json
    execute(AGE, coupon)
    shown = http.get(f"issued-coupons/{coupon}", user=user).json
    assert (shown["status"], shown["used_at"]) == ("used", order["ordered_at"])


def test_coupon_of_another_user_answers_exactly_as_a_missing_one(http: Client) -> None:
    user, other = UserFactory.create_batch(2)
    theirs = hold_coupon(http, other)["id"]
    named = {"X-Request-Id": "same"}
    answers = [http.get(f"issued-coupons/{pk}", user=user, headers=named) for pk in (theirs, theirs + 1)]
    assert [answer.code for answer in answers] == ["not_found", "not_found"]
    assert answers[0].body == answers[1].body
    assert http.get("issued-coupons", user=user).json["results"] == []


def test_coupon_issued_30_days_ago_is_expired_and_pays_nothing(http: Client) -> None:
    user = buyer(http)
    coupon = hold_coupon(http, user)["id"]
    execute(AGE, coupon)
    assert http.get(f"issued-coupons/{coupon}", user=user).json["status"] == "expired"
    refused = http.order(user, {ProductFactory().pk: 1}, issued_coupon_id=coupon)
    assert (refused.status, refused.code) == (409, "coupon_expired")


def test_coupon_a_minute_short_of_30_days_still_pays(http: Client) -> None:
    user = buyer(http)
    coupon = hold_coupon(http, user)["id"]
    execute(AGE.replace("720 hours", "719 hours 59 minutes"), coupon)
    assert http.order(user, {ProductFactory().pk: 1}, issued_coupon_id=coupon).status == 201


@pytest.fixture
def issued(db: None) -> IssuedCoupon:
    """A coupon just issued."""
    return services.issue(user_id=UserFactory().pk, coupon_id=CouponFactory(fixed=True).pk)


def discount(issued: IssuedCoupon, at: timedelta) -> int:
    """What the coupon takes off so long after its issue."""
    return services.discount_of(issued, subtotal=5_000, now=issued.issued_at + at)


def redeem(issued: IssuedCoupon, at: timedelta) -> int:
    """How many coupons are used up so long after the issue of this one."""
    now = issued.issued_at + at
    return send_one(services.redeem(user_id=issued.user_id, issued_coupon_id=issued.pk, now=now))


LIFETIME = timedelta(hours=720)


@pytest.mark.parametrize("at", [timedelta(0), LIFETIME - MICROSECOND])
def test_coupon_is_usable_from_its_issue_to_its_last_microsecond(issued: IssuedCoupon, at: timedelta) -> None:
    assert discount(issued, at) == 1_000
    assert redeem(issued, at) == 1
    issued.refresh_from_db()
    assert issued.used_at == issued.issued_at + at
    assert redeem(issued, at) == 0


@pytest.mark.parametrize("at", [-MICROSECOND, LIFETIME, LIFETIME + MICROSECOND])
def test_coupon_is_not_usable_a_microsecond_earlier_or_later(issued: IssuedCoupon, at: timedelta) -> None:
    with pytest.raises(CouponExpired):
        discount(issued, at)
    assert redeem(issued, at) == 0
    issued.refresh_from_db()
    assert issued.used_at is None


def test_coupon_issued_at_a_months_end_lasts_as_long_as_any_other(issued: IssuedCoupon) -> None:
    """30 × 24 hours from 31 January is 2 March: a calendar month would say 28 February."""
    execute(
        "UPDATE coupons_issuedcoupon SET issued_at = '2026-01-31 12:00+09',"
        " expires_at = '2026-03-02 12:00+09'"
    )
    issued.refresh_from_db()
    assert issued.expires_at - issued.issued_at == LIFETIME
    assert discount(issued, LIFETIME - MICROSECOND) == 1_000
