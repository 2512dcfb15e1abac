"""When a running campaign will have issued all its coupons, by the pace of the newest."""

from datetime import timedelta

import pytest

from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from coupons.selectors import issue_forecasts
from tests.kit.database import database_clock
from users.factories import UserFactory

pytestmark = pytest.mark.django_db


def issue_at(coupon, *moments):
    """One coupon of the campaign at each of these moments."""
    for sequence, moment in enumerate(moments, start=1):
        IssuedCoupon.objects.create(
            coupon=coupon,
            user=UserFactory(),
            sequence=sequence,
            issued_at=moment,
            expires_at=moment + timedelta(days=30),
            **{name: getattr(coupon, name) for name in ("name", "discount_type", "discount_value")},
        )
    Coupon.objects.filter(pk=coupon.pk).update(issued=len(moments))


def test_forecast_says_when_a_campaign_will_be_sold_out():
    now = database_clock()
    issue_at(CouponFactory(quantity=40), *[now - timedelta(minutes=30)] * 10)
    (burning,) = issue_forecasts(limit=5)
    assert burning.hourly == pytest.approx(20, rel=0.01)
    assert burning.sold_out_at - now == pytest.approx(timedelta(minutes=90), abs=timedelta(minutes=1))


def test_forecast_uses_the_newest_100_issues():
    now, hour = database_clock(), timedelta(hours=1)
    issue_at(CouponFactory(quantity=400), *[now - 9 * hour] * 20, *[now - hour] * 100)
    (burning,) = issue_forecasts(limit=5)
    assert burning.hourly == pytest.approx(100, rel=0.01)


def test_forecast_needs_more_than_a_few_issues():
    issue_at(CouponFactory(quantity=40), *[database_clock()] * 9)
    assert [(burning.hourly, burning.sold_out_at) for burning in issue_forecasts(limit=5)] == [(None, None)]


def test_forecast_is_absent_where_a_campaign_closes_first_or_lasts_for_months():
    now, hour = database_clock(), timedelta(hours=1)
    issue_at(CouponFactory(quantity=40, closes_at=now + hour), *[now - hour] * 10)
    issue_at(CouponFactory(quantity=10**18), *[now - hour] * 10)
    assert [burning.sold_out_at for burning in issue_forecasts(limit=5)] == [None, None]
