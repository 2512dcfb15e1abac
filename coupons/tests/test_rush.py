"""A rush: refusals that Redis remembers for a second are those that PostgreSQL would give."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from api.breaker import Breaker
from api.problems import Problem
from coupons import rush
from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from coupons.services import issue
from tests.admin.conftest import change
from tests.client import Client
from tests.database import execute
from tests.invariants import wrongs
from tests.processes import free_port, until
from tests.scenes import at_once
from users.factories import UserFactory

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]
CLOSED = {"closes_at": "2001-01-01T00:00:00Z"}


@pytest.fixture
def redis():
    """An empty Redis, which nobody has found wanting."""
    rush._client().flushdb()
    yield rush._client()
    rush._client().flushdb()


@pytest.fixture
def hurried(redis, monkeypatch):
    """Every campaign is in a rush, and what Redis was told outlives a test however slow it is."""
    for name, value in {
        "RUSH": 0,
        "KEPT_SECONDS": 60.0,
        "WANTED_SECONDS": 600.0,
        "READ_SECONDS": 0.0,
    }.items():
        monkeypatch.setattr(rush, name, value)


def asked(user, campaign):
    """What somebody is answered who asks for a coupon, and how often PostgreSQL was asked for that."""
    with CaptureQueriesContext(connection) as queries:
        try:
            issued = issue(user_id=user.pk, coupon_id=campaign.pk)
        except Problem as problem:
            return problem.code, problem.members, problem.caller_is_registered, len(queries)
    return "issued", issued.sequence, True, len(queries)


def refused(campaign, *, times=2):
    """Some who did not get one, who have asked that often by now."""
    users = UserFactory.create_batch(3)
    for user in users * times:
        asked(user, campaign)
    return users


@pytest.mark.parametrize("terms", [{"quantity": 0}, {"quantity": 1}, CLOSED], ids=["none", "one", "closed"])
def test_in_a_rush_redis_refuses_as_postgresql_did(hurried, terms):
    campaign, user = CouponFactory(**terms), UserFactory()
    first, *_, last = [asked(user, campaign) for _ in range(5)]
    if first[0] == "issued":
        first = ("coupon_already_issued", {"issued_coupon_id": IssuedCoupon.objects.get().pk}, True, 1)
    assert last[:3] == first[:3]
    assert (first[3] > 0, last[3]) == (True, 0)


def test_who_has_one_hears_so_and_not_that_it_is_sold_out(hurried):
    campaign, holder = CouponFactory(quantity=1), UserFactory()
    issued = issue(user_id=holder.pk, coupon_id=campaign.pk)
    other = refused(campaign)[0]
    answers = [("coupon_already_issued", {"issued_coupon_id": issued.pk}), ("coupon_sold_out", {})]
    assert [asked(user, campaign) for user in (holder, other)] == [(*answer, True, 0) for answer in answers]


def test_a_campaign_that_has_some_left_is_handed_out_by_postgresql_alone(hurried):
    campaign, holder, other = CouponFactory(quantity=2), UserFactory(), UserFactory()
    assert [asked(holder, campaign)[0] for _ in range(4)] == ["issued", *["coupon_already_issued"] * 3]
    assert asked(other, campaign) == ("issued", 2, True, 1)


def test_nobody_is_refused_by_redis_while_few_are_refused(redis):
    """Whoever changes the database by hand, or starts it anew, sees no memory of what was before."""
    campaign, user = CouponFactory(quantity=0), UserFactory()
    assert all(asked(user, campaign)[3] > 0 for _ in range(rush.RUSH - 1))
    assert redis.keys() == []


def test_many_refusals_make_a_rush(redis):
    campaign, user = CouponFactory(quantity=0), UserFactory()
    until(lambda: asked(user, campaign)[3] == 0)


def test_what_redis_knows_lives_for_a_second_at_most(redis, monkeypatch):
    monkeypatch.setattr(rush, "RUSH", 0)
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    until(lambda: asked(user, campaign)[3] and redis.pttl(rush._key(campaign.pk, user.pk)) > 0)
    assert redis.pttl(rush._key(campaign.pk, user.pk)) <= 1000


@pytest.mark.parametrize("turn", ["opens_at", "closes_at"])
def test_what_redis_knows_ends_when_the_campaign_opens_or_closes(hurried, redis, turn):
    soon = execute("SELECT now() + interval '20 seconds'")[0][0]
    campaign = CouponFactory(quantity=0, **{turn: soon})
    user = refused(campaign)[0]
    assert 0 < redis.pttl(rush._key(campaign.pk, user.pk)) <= 20_000


def test_a_quantity_raised_in_the_admin_counts_at_once(hurried, admin_client):
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    execute("UPDATE coupons_coupon SET quantity = 1")
    assert asked(user, campaign)[0] == "coupon_sold_out"  # for as long as Redis remembers
    terms = {"name": campaign.name, "discount_type": "percent", "discount_value": 10, "max_discount": ""}
    answer = change(admin_client, campaign, quantity=2, **terms)
    assert (answer.status_code, Coupon.objects.get().quantity) == (302, 2)
    assert asked(user, campaign)[:2] == ("issued", 1)


def test_what_was_read_before_a_change_is_not_kept_after_it(hurried):
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    rush.forget()
    rush._keep(user_id=user.pk, coupon_id=campaign.pk)
    assert rush.standing(user_id=user.pk, coupon_id=campaign.pk) is None


def test_whom_redis_does_not_know_postgresql_is_asked_about(hurried):
    """Somebody who registered a moment ago, in a campaign that was sold out before."""
    campaign = CouponFactory(quantity=0)
    refused(campaign)
    code, _, is_registered, queries = asked(UserFactory(), campaign)
    assert (code, is_registered) == ("coupon_sold_out", True)
    assert queries > 0


def test_an_id_of_nobody_is_not_vouched_for(hurried):
    campaign = CouponFactory(quantity=0)
    nobody = refused(campaign)[-1]
    execute("DELETE FROM users_user WHERE id = %s", nobody.pk)
    rush.forget()
    rush._client().delete(rush.CHANGED)
    refused(campaign)
    answers = [asked(nobody, campaign) for _ in range(2)]
    assert [is_registered for _, _, is_registered, _ in answers] == [False, False]
    assert 0 not in {queries for *_, queries in answers}


def test_a_redis_that_was_flushed_is_filled_again(hurried, redis):
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    redis.flushdb()
    assert [asked(user, campaign)[0] for _ in range(2)] == ["coupon_sold_out"] * 2
    assert asked(user, campaign) == ("coupon_sold_out", {}, True, 0)


def test_without_redis_the_same_is_answered_by_postgresql(hurried, monkeypatch):
    campaign, holder = CouponFactory(quantity=1), UserFactory()
    issue(user_id=holder.pk, coupon_id=campaign.pk)
    others = refused(campaign)
    before = [asked(user, campaign) for user in (holder, *others)]
    monkeypatch.setattr(rush, "_redis", Breaker(name="coupon rushes", seconds=60))
    gone = {"default": {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}"}}
    with override_settings(CACHES=gone):
        after = [asked(user, campaign) for user in (holder, *others)]
    assert [answer[:3] for answer in after] == [answer[:3] for answer in before]
    assert {answer[3] for answer in before} == {0}
    assert 0 not in {answer[3] for answer in after}


def test_many_threads_that_ask_redis_for_the_first_time_are_all_answered(hurried):
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    rush._connected.cache_clear()
    known = at_once([lambda: rush.standing(user_id=user.pk, coupon_id=campaign.pk)] * 64)
    assert [standing.is_sold_out for standing in known] == [True] * 64


def test_a_block_of_which_something_is_missing_is_no_answer(hurried, redis):
    campaign = CouponFactory(quantity=0)
    user = refused(campaign)[0]
    redis.set(rush._key(campaign.pk, user.pk), b"")
    assert [asked(user, campaign)[0] for _ in range(2)] == ["coupon_sold_out"] * 2


def test_a_campaign_raised_again_and_again_in_a_rush_is_handed_out_to_the_last(http: Client) -> None:
    campaign, users = CouponFactory(quantity=20), UserFactory.create_batch(150)

    def ask(user):
        return http.post(f"coupons/{campaign.pk}/issue", user=user)

    def more():
        execute("UPDATE coupons_coupon SET quantity = quantity + 10")
        connection.close()

    calls = [lambda user=user: ask(user) for user in users]
    at_once([call for part in range(5) for call in [*calls * 2, more]])
    while Coupon.objects.get().remaining:
        at_once(calls)
    assert sorted(IssuedCoupon.objects.values_list("sequence", flat=True)) == list(range(1, 71))
    assert wrongs() == []


def test_an_id_of_nobody_is_unauthorised_in_a_rush_too(http: Client) -> None:
    campaign, users = CouponFactory(quantity=0), UserFactory.create_batch(2)
    nobody = users[-1].pk + 1
    ids = [user.pk for user in users] * 60
    answers = at_once(
        [lambda pk=pk: http.post(f"coupons/{campaign.pk}/issue", user=pk) for pk in [*ids, nobody]]
    )
    assert {answer.code for answer in answers[:-1]} == {"coupon_sold_out"}
    assert (answers[-1].status, answers[-1].code) == (401, "not_registered")


def test_a_raise_by_sql_counts_in_a_rush_that_goes_on(http: Client) -> None:
    campaign, users = CouponFactory(quantity=0), UserFactory.create_batch(4)
    path = f"coupons/{campaign.pk}/issue"
    answers = at_once([lambda user=user: http.post(path, user=user) for user in users * 50])
    assert {answer.code for answer in answers} == {"coupon_sold_out"}
    execute("UPDATE coupons_coupon SET quantity = 1")
    until(lambda: 201 in {http.post(path, user=user).status for user in users}, seconds=5)


def test_a_coupon_lasts_for_as_long_in_redis_as_in_postgresql(hurried):
    """What Redis shows of a period is what PostgreSQL shows, to the microsecond."""
    opens, closes = execute("SELECT now() + interval '1 hour', now() + interval '1 day'")[0]
    campaign = CouponFactory(opens_at=opens, closes_at=closes + timedelta(microseconds=1))
    user = UserFactory()
    answers = [asked(user, campaign) for _ in range(4)]
    assert answers[0][1] == answers[-1][1]
    assert (answers[0][3], answers[-1][3]) == (2, 0)
