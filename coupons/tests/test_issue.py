"""Campaigns, and taking a coupon of one."""

from datetime import datetime, timedelta

import pytest

from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from tests.kit.client import Client
from tests.kit.database import execute, nothing_written
from tests.kit.invariants import wrongs
from tests.kit.scenes import MAX_BIGINT, at_once
from users.factories import UserFactory

ISSUED = {
    "id",
    "coupon_id",
    "name",
    "discount_type",
    "discount_value",
    "max_discount",
    "sequence",
    "status",
    "issued_at",
    "expires_at",
    "used_at",
}
FAR = {"past": "2000-01-01T00:00:00Z", "future": "2999-01-01T00:00:00Z"}


def test_campaign_is_shown_with_the_remaining_quantity(http: Client) -> None:
    campaign = CouponFactory(name="오픈 기념", discount_value=10, max_discount=500, quantity=3)
    http.post(f"coupons/{campaign.pk}/issue", user=UserFactory())
    shown = {
        "id": campaign.pk,
        "name": "오픈 기념",
        "discount_type": "percent",
        "discount_value": 10,
        "max_discount": 500,
        "quantity": 3,
        "remaining": 2,
        "opens_at": None,
        "closes_at": None,
    }
    assert http.get(f"coupons/{campaign.pk}").json == shown
    assert http.get("coupons").json["results"] == [shown]


def test_issued_coupon_is_shown_with_its_sequence(http: Client) -> None:
    campaign = CouponFactory(fixed=True, name="천 원")
    answer = http.post(f"coupons/{campaign.pk}/issue", user=UserFactory())
    issued = answer.json
    assert answer.status == 201
    assert set(issued) == ISSUED
    terms = {"name": "천 원", "discount_type": "fixed", "discount_value": 1000, "max_discount": None}
    state = {"coupon_id": campaign.pk, "sequence": 1, "status": "usable", "used_at": None}
    assert issued.items() >= {**terms, **state}.items()


def test_coupon_is_valid_for_30_times_24_hours_from_its_issue(http: Client) -> None:
    """Whatever month it is and wherever clocks are put forward: the difference is all there is."""
    issued = http.post(f"coupons/{CouponFactory().pk}/issue", user=UserFactory()).json
    lifetime = datetime.fromisoformat(issued["expires_at"]) - datetime.fromisoformat(issued["issued_at"])
    assert lifetime == timedelta(hours=30 * 24)


def test_issued_coupon_is_found_at_its_location(http: Client) -> None:
    user = UserFactory()
    answer = http.post(f"coupons/{CouponFactory().pk}/issue", user=user)
    assert answer.headers["Location"] == f"/api/v1/issued-coupons/{answer.json['id']}"
    assert http.get(answer.headers["Location"], user=user).json == answer.json


def test_sequence_counts_from_1_to_the_quantity(http: Client) -> None:
    path = f"coupons/{CouponFactory(quantity=3).pk}/issue"
    answers = [http.post(path, user=user) for user in UserFactory.create_batch(4)]
    assert [answer.json.get("sequence") for answer in answers] == [1, 2, 3, None]
    assert answers[3].code == "coupon_sold_out"


def test_user_gets_one_coupon_of_a_campaign(http: Client) -> None:
    user, campaign = UserFactory(), CouponFactory()
    first = http.post(f"coupons/{campaign.pk}/issue", user=user).json
    with nothing_written():
        again = http.post(f"coupons/{campaign.pk}/issue", user=user)
    assert (again.status, again.code) == (409, "coupon_already_issued")
    assert again.json["issued_coupon_id"] == first["id"]
    assert http.get(f"coupons/{campaign.pk}").json["remaining"] == campaign.quantity - 1


def test_user_gets_one_coupon_of_each_campaign(http: Client) -> None:
    user = UserFactory()
    paths = [f"coupons/{campaign.pk}/issue" for campaign in CouponFactory.create_batch(2)]
    assert [http.post(path, user=user).json["sequence"] for path in paths] == [1, 1]


def test_quantity_of_0_is_sold_out_from_the_start(http: Client) -> None:
    campaign, user = CouponFactory(quantity=0), UserFactory()
    with nothing_written():
        answer = http.post(f"coupons/{campaign.pk}/issue", user=user)
    assert (answer.status, answer.code) == (409, "coupon_sold_out")
    assert http.get(f"coupons/{campaign.pk}").json["remaining"] == 0


MISSING = [*(str(each) for each in (2**31 + 1, MAX_BIGINT, MAX_BIGINT + 1, 10**30)), "9" * 5_000]


@pytest.mark.parametrize("missing", MISSING, ids=[each[:20] for each in MISSING])
def test_missing_campaign_is_not_found(http: Client, missing: str) -> None:
    path, user = f"coupons/{missing}/issue", UserFactory()
    assert http.post(path, user=user).code == "not_found"
    assert http.post(path, user=user.pk + 1).code == "not_registered"
    assert http.get(f"coupons/{missing}").code == "not_found"


@pytest.mark.parametrize(
    ("opens", "closes"), [("future", None), (None, "past")], ids=["before it opens", "after it has closed"]
)
def test_campaign_that_is_not_open_says_when_it_is(
    http: Client, opens: str | None, closes: str | None
) -> None:
    user = UserFactory()
    campaign = CouponFactory(opens_at=FAR.get(opens or ""), closes_at=FAR.get(closes or ""))
    shown = http.get(f"coupons/{campaign.pk}").json
    with nothing_written():
        answer = http.post(f"coupons/{campaign.pk}/issue", user=user)
    assert (answer.status, answer.code) == (409, "coupon_not_open")
    assert {answer.json["opens_at"], answer.json["closes_at"]} == {shown["opens_at"], shown["closes_at"]}
    assert (answer.json["opens_at"] is None, answer.json["closes_at"] is None) == (
        opens is None,
        closes is None,
    )


def test_campaign_is_open_between_its_bounds(http: Client) -> None:
    campaign = CouponFactory(opens_at=FAR["past"], closes_at=FAR["future"])
    assert http.post(f"coupons/{campaign.pk}/issue", user=UserFactory()).status == 201


def test_issue_refusals_are_ordered_not_open_already_issued_sold_out(http: Client) -> None:
    user, campaign = UserFactory(), CouponFactory(quantity=1)
    path = f"coupons/{campaign.pk}/issue"
    assert http.post(path, user=user).status == 201
    assert http.post(path, user=user).code == "coupon_already_issued"
    assert http.post(path, user=UserFactory()).code == "coupon_sold_out"
    execute("UPDATE coupons_coupon SET closes_at = now()")
    assert http.post(path, user=user).code == "coupon_not_open"
    assert http.post(path, user=UserFactory()).code == "coupon_not_open"


def test_quantity_raised_by_sql_reopens_a_sold_out_campaign(http: Client) -> None:
    path = f"coupons/{CouponFactory(quantity=1).pk}/issue"
    first, second, third = UserFactory.create_batch(3)
    assert [http.post(path, user=user).status for user in (first, second)] == [201, 409]
    execute("UPDATE coupons_coupon SET quantity = quantity + 1")
    assert http.post(path, user=second).json["sequence"] == 2
    assert http.post(path, user=third).code == "coupon_sold_out"


def test_quantity_raised_again_and_again_issues_to_the_last(http: Client) -> None:
    campaign, users = CouponFactory(quantity=20), UserFactory.create_batch(150)
    calls = [lambda user=user: http.post(f"coupons/{campaign.pk}/issue", user=user) for user in users]

    def more() -> None:
        execute("UPDATE coupons_coupon SET quantity = quantity + 10")

    at_once([call for _ in range(5) for call in [*calls, more]])
    at_once(calls)
    assert Coupon.objects.get().remaining == 0
    assert sorted(IssuedCoupon.objects.values_list("sequence", flat=True)) == list(range(1, 71))
    assert wrongs() == []


def test_terms_are_a_copy_made_at_issue(http: Client) -> None:
    user, campaign = UserFactory(), CouponFactory(name="처음", discount_value=10, max_discount=500)
    issued = http.post(f"coupons/{campaign.pk}/issue", user=user).json
    execute(
        "UPDATE coupons_coupon SET name = '나중', discount_type = 'fixed', discount_value = 9,"
        " max_discount = NULL"
    )
    assert http.get(f"issued-coupons/{issued['id']}", user=user).json == issued
    later = http.post(f"coupons/{campaign.pk}/issue", user=UserFactory()).json
    assert (later["name"], later["discount_type"], later["discount_value"]) == ("나중", "fixed", 9)


def test_campaign_may_be_as_large_as_a_number_can_be(http: Client) -> None:
    campaign = CouponFactory(fixed=True, discount_value=MAX_BIGINT, quantity=MAX_BIGINT)
    assert http.post(f"coupons/{campaign.pk}/issue", user=UserFactory()).json["discount_value"] == MAX_BIGINT
    assert http.get(f"coupons/{campaign.pk}").json["remaining"] == MAX_BIGINT - 1
