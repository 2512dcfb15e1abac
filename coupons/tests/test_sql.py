"""The one statement by hand: it does what the ORM does in several, and waits for a row only to count."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from core.db.exchange import send_one
from core.problems import NotRegistered
from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from coupons.problems import CouponAlreadyIssued, CouponNotOpen, CouponSoldOut
from coupons.services import issue
from coupons.sql import ISSUE_COUPON, ISSUED_COLUMNS, Eligibility, issue_coupon
from tests.kit.client import Client
from tests.kit.database import execute, held, lock_waiters
from tests.kit.invariants import wrongs
from tests.kit.processes import until
from users.factories import UserFactory
from users.models import User

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


def issue_by_sql(*, user_id, coupon_id, valid_days):
    """What `issue_coupon` answers."""
    (row,) = send_one(issue_coupon(user_id=user_id, coupon_id=coupon_id, valid_days=valid_days))
    stood, issued = (
        row[: -len(ISSUED_COLUMNS)],
        dict(zip(ISSUED_COLUMNS, row[-len(ISSUED_COLUMNS) :], strict=True)),
    )
    return Eligibility(*stood), IssuedCoupon(**issued) if issued["id"] else None


def issue_by_orm(*, user_id, coupon_id, valid_days):
    """The same as `issue_coupon`, in the ORM's words."""
    with transaction.atomic():
        campaign = Coupon.objects.filter(pk=coupon_id).annotate(now=Now()).first()
        held = IssuedCoupon.objects.filter(coupon=coupon_id, user=user_id).first()
        eligibility = Eligibility(
            is_registered=User.objects.filter(pk=user_id).exists(),
            is_campaign=campaign is not None,
            is_open=campaign is None or is_open(campaign),
            opens_at=campaign and campaign.opens_at,
            closes_at=campaign and campaign.closes_at,
            issued_coupon_id=held and held.pk,
            is_sold_out=campaign is not None and not campaign.remaining,
        )
        if not (eligibility.is_registered and eligibility.is_open) or held:
            return eligibility, None
        if not Coupon.objects.filter(pk=coupon_id, issued__lt=F("quantity")).update(issued=F("issued") + 1):
            return eligibility, None
        campaign = Coupon.objects.annotate(now=Now()).get(pk=coupon_id)
        return eligibility, IssuedCoupon.objects.create(
            coupon_id=coupon_id,
            user_id=user_id,
            sequence=campaign.issued,
            name=campaign.name,
            discount_type=campaign.discount_type,
            discount_value=campaign.discount_value,
            max_discount=campaign.max_discount,
            issued_at=campaign.now,
            expires_at=campaign.now + timedelta(days=valid_days),
        )


def is_open(campaign):
    after_opening = campaign.opens_at is None or campaign.opens_at <= campaign.now
    return after_opening and (campaign.closes_at is None or campaign.now < campaign.closes_at)


def story(way, terms):
    """What three members are answered, the first twice, nobody, and who names no campaign; the rows."""
    campaign, users = CouponFactory(name="봄", **terms), UserFactory.create_batch(3)
    first, *_, last = ids = [user.pk for user in users]
    asked = [(campaign.pk, pk) for pk in (first, *ids, last + 1)] + [(campaign.pk + 1, first), (0, first)]
    answers = [way(coupon_id=coupon, user_id=user, valid_days=30) for coupon, user in asked]
    issued = [coupon for _, coupon in answers if coupon]
    rows = IssuedCoupon.objects.filter(coupon=campaign).order_by("sequence")
    assert [row.pk for row in rows] == [coupon.pk for coupon in issued]
    campaign.refresh_from_db()
    return (
        [
            replace(eligibility, issued_coupon_id=bool(eligibility.issued_coupon_id))
            for eligibility, _ in answers
        ],
        [[shown(coupon, ids) for coupon in coupons] for coupons in (issued, rows)],
        campaign.issued,
    )


def shown(issued, ids):
    shown = model_to_dict(issued, exclude=["id", "user", "coupon", "issued_at", "expires_at"])
    return {**shown, "user": ids.index(issued.user_id), "lifetime": issued.expires_at - issued.issued_at}


@pytest.mark.django_db
@pytest.mark.parametrize("terms", CAMPAIGNS.values(), ids=CAMPAIGNS.keys())
def test_statement_issues_and_refuses_as_the_orm_does(terms):
    assert story(issue_by_sql, terms) == story(issue_by_orm, terms)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("quantity", [1, 0], ids=["issued", "sold out"])
def test_issue_and_a_refusal_are_one_statement_that_no_transaction_surrounds(quantity):
    campaign, user = CouponFactory(quantity=quantity), UserFactory()
    with CaptureQueriesContext(connection) as queries, suppress(CouponSoldOut):
        issue(user_id=user.pk, coupon_id=campaign.pk)
    assert [query["sql"].split()[:2] for query in queries] == [["WITH", "eligibility"]]


HOLD = """
INSERT INTO coupons_issuedcoupon
    (coupon_id, user_id, sequence, name, discount_type, discount_value, expires_at)
SELECT %s, id, id + 1, 'x', 'fixed', 1, now() + interval '1 day' FROM users_user"""


@pytest.mark.django_db
def test_statement_does_not_read_all_that_was_issued_of_a_campaign_without_statistics():
    old, new = CouponFactory.create_batch(2)
    execute("INSERT INTO users_user (name) SELECT 'x' FROM generate_series(1, 2000)")
    execute(HOLD, old.pk)
    execute("ANALYZE coupons_issuedcoupon")
    execute(HOLD, new.pk)
    given = {"coupon_id": new.pk, "user_id": UserFactory().pk, "valid_days": 30}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {ISSUE_COUPON}", given)
        plan = str(cursor.fetchall())
    assert "Scan using issued_coupon_newest_first" in plan
    assert "issued_coupon_one_a_sequence" not in plan
    plainly = IssuedCoupon.objects.filter(coupon=new, user=1).explain()
    assert "issued_coupon_one_a_sequence" in plainly  # what would have happened


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("UPDATE coupons_coupon SET quantity = issued", CouponSoldOut),
        ("UPDATE coupons_coupon SET closes_at = now()", CouponNotOpen),
        ("DELETE FROM users_user WHERE name = 'asks'", NotRegistered),
        (None, CouponAlreadyIssued),
    ],
)
def test_refusal_does_not_wait_for_the_campaign_s_lock(change, refusal):
    campaign, user = CouponFactory(), UserFactory(name="asks")
    if change:
        execute(change)
    else:
        issue(user_id=user.pk, coupon_id=campaign.pk)

    def refused():
        try:
            with pytest.raises(refusal):
                issue(user_id=user.pk, coupon_id=campaign.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, held("coupons_coupon", "id", campaign.pk):
        pool.submit(refused).result(timeout=60)


@pytest.mark.parametrize(
    ("deletion", "code"),
    [("DELETE FROM users_user", "not_registered"), ("DELETE FROM coupons_coupon", "not_found")],
)
def test_issue_is_refused_where_caller_or_campaign_is_deleted_meanwhile(
    http: Client, deletion: str, code: str
) -> None:
    campaign, user = CouponFactory(), UserFactory()
    with ThreadPoolExecutor(1) as pool:
        with held("coupons_coupon", "id", campaign.pk):
            waiting = pool.submit(http.post, f"coupons/{campaign.pk}/issue", user=user.pk)
            until(lambda: lock_waiters() or waiting.done())
            execute(deletion)
        assert waiting.result().code == code
    assert execute("SELECT sum(issued) FROM coupons_coupon") in ([(0,)], [(None,)])
    assert wrongs() == []


def test_issue_that_waits_past_the_closing_is_refused(http: Client) -> None:
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
