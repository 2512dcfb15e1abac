"""The one statement by hand (docs/adr/0011): it does what the plain ORM form does, and is one statement."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from coupons import selectors
from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from coupons.problems import CouponAlreadyIssued
from coupons.services import issue
from tests.client import Client
from tests.database import execute, held, lock_waiters
from tests.invariants import wrongs
from tests.processes import until
from users.factories import UserFactory

FAR = {"past": "2000-01-01T00:00:00Z", "future": "2999-01-01T00:00:00Z"}
CAMPAIGNS = {
    "percent": {},
    "capped percent": {"max_discount": 500},
    "fixed": {"fixed": True},
    "the last one": {"quantity": 1},
    "open between bounds": {"opens_at": FAR["past"], "closes_at": FAR["future"]},
    "none": {"quantity": 0},
    "not yet open": {"opens_at": FAR["future"]},
    "closed": {"closes_at": FAR["past"]},
}


def hand_out(*, coupon_id, user_id, valid_days):
    """The same as `IssuedCouponQuerySet.hand_out` in the ORM's words."""
    with transaction.atomic():
        if IssuedCoupon.objects.filter(coupon=coupon_id, user=user_id).exists():
            return None
        left = Coupon.objects.filter(pk=coupon_id, issued__lt=F("quantity"))
        if not left.update(issued=F("issued") + 1):
            return None
        coupon, now = selectors.campaign(coupon_id=coupon_id)
        if not coupon.is_open(now=now):
            transaction.set_rollback(True)
            return None
        return IssuedCoupon.objects.create(
            coupon_id=coupon_id,
            user_id=user_id,
            sequence=coupon.issued,
            name=coupon.name,
            discount_type=coupon.discount_type,
            discount_value=coupon.discount_value,
            max_discount=coupon.max_discount,
            issued_at=now,
            expires_at=now + timedelta(days=valid_days),
        )


def story(way, terms):
    """What three members get of such a campaign, the first of whom asks twice; and what is in the tables."""
    campaign, users = CouponFactory(name="봄", **terms), UserFactory.create_batch(3)
    answers = [way(coupon_id=campaign.pk, user_id=users[n].pk, valid_days=30) for n in (0, 0, 1, 2)]
    rows = [IssuedCoupon.objects.get(pk=answer.pk) for answer in answers if answer]
    assert rows == [answer for answer in answers if answer]
    campaign.refresh_from_db()
    return (
        [without_moments(answer, users) for answer in answers],
        [without_moments(row, users) for row in rows],
        campaign.issued,
    )


def without_moments(issued, users):
    if issued is None:
        return None
    shown = model_to_dict(issued, exclude=["id", "user", "coupon", "issued_at", "expires_at"])
    place = [user.pk for user in users].index(issued.user_id)
    return {**shown, "user": place, "lifetime": issued.expires_at - issued.issued_at}


@pytest.mark.django_db
@pytest.mark.parametrize("terms", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
def test_the_statement_hands_out_what_the_orm_does(terms):
    assert story(IssuedCoupon.objects.hand_out, terms) == story(hand_out, terms)


@pytest.mark.django_db
def test_a_campaign_that_is_not_there_hands_out_nothing():
    nowhere = {"coupon_id": CouponFactory().pk + 1, "user_id": UserFactory().pk, "valid_days": 30}
    assert (IssuedCoupon.objects.hand_out(**nowhere), hand_out(**nowhere)) == (None, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [IssuedCoupon.objects.hand_out, hand_out], ids=["statement", "ORM"])
def test_a_user_whom_nobody_registered_leaves_nothing_behind(way):
    campaign = CouponFactory()
    with pytest.raises(IntegrityError, match="user_id"):
        way(coupon_id=campaign.pk, user_id=UserFactory().pk + 1, valid_days=30)
    assert list(Coupon.objects.values_list("issued")) == [(0,)]
    assert not IssuedCoupon.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_coupon_is_handed_out_in_one_statement_that_no_transaction_surrounds():
    campaign, user = CouponFactory(), UserFactory()
    with CaptureQueriesContext(connection) as queries:
        issue(user_id=user.pk, coupon_id=campaign.pk)
    assert [query["sql"].split()[:2] for query in queries] == [["WITH", "taken"]]


HOLD = """
INSERT INTO coupons_issuedcoupon
    (coupon_id, user_id, sequence, name, discount_type, discount_value, expires_at)
SELECT %s, id, id, 'x', 'fixed', 1, now() + interval '1 day' FROM users_user"""


@pytest.mark.django_db
def test_nothing_looks_through_all_holders_of_a_campaign_that_the_planner_has_not_seen():
    old, new = CouponFactory.create_batch(2)
    execute("INSERT INTO users_user (name) SELECT 'x' FROM generate_series(1, 2000)")
    execute(HOLD, old.pk)
    execute("ANALYZE coupons_issuedcoupon")
    execute(HOLD, new.pk)
    plans = ""

    def explain(execute, sql, params, *rest):
        nonlocal plans
        plans += str(connection.connection.execute(f"EXPLAIN {sql}", params).fetchall())
        return execute(sql, params, *rest)

    with connection.execute_wrapper(explain):
        IssuedCoupon.objects.hand_out(coupon_id=new.pk, user_id=UserFactory().pk, valid_days=30)
        list(selectors.holders_among(coupon_id=new.pk, first_id=0, last_id=4_095))
        selectors.standing(coupon_id=new.pk, user_id=1)
    assert plans.count("Scan using issued_coupon_") == 3
    assert "issued_coupon_one_a_sequence" not in plans
    plainly = IssuedCoupon.objects.filter(coupon=new, user=1).explain()
    assert "issued_coupon_one_a_sequence" in plainly  # what would have happened


@pytest.mark.django_db(transaction=True)
def test_who_has_one_does_not_wait_for_the_row_that_others_want():
    campaign, user = CouponFactory(), UserFactory()
    issue(user_id=user.pk, coupon_id=campaign.pk)

    def again():
        try:
            with pytest.raises(CouponAlreadyIssued):
                issue(user_id=user.pk, coupon_id=campaign.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, held("coupons_coupon", "id", campaign.pk):
        pool.submit(again).result(timeout=60)


def test_who_waits_past_the_closing_gets_nothing_though_nobody_changed_the_campaign(http: Client) -> None:
    ((closes,),) = execute("SELECT now() + interval '1.5 seconds'")
    campaign, user = CouponFactory(closes_at=closes), UserFactory()
    with ThreadPoolExecutor(1) as pool:
        with held("coupons_coupon", "id", campaign.pk):
            waiting = pool.submit(http.post, f"coupons/{campaign.pk}/issue", user=user)
            until(lambda: lock_waiters() or waiting.done())
            until(lambda: execute("SELECT clock_timestamp() > %s", closes) == [(True,)])
        assert waiting.result().code == "coupon_not_open"
    assert execute("SELECT issued FROM coupons_coupon") == [(0,)]
    assert wrongs() == []
