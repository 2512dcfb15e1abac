"""Campaigns: what state they are in, closing one now, copying one, and how fast and how far they are used."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.sites import site
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localtime

from backoffice import action_log
from coupons.factories import CouponFactory
from coupons.models import Coupon, IssuedCoupon
from coupons.selectors import issue_forecast, just_finished, opening_soon, used_share
from tests.kit.backoffice import buy, page_of
from tests.kit.database import database_clock
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
LIST, CLOSE = reverse("admin:coupons_coupon_changelist"), reverse("admin:coupons_coupon_close_now")
STATES = [("scheduled", "예정"), ("running", "진행"), ("closed", "마감"), ("sold_out", "소진")]


@pytest.fixture
def campaigns():
    """One of each state; what is not open is not called sold out, as the API has it."""
    now = database_clock()
    terms = {
        "scheduled": [{"opens_at": now + HOUR}, {"opens_at": now + HOUR, "quantity": 0}],
        "running": [{}, {"opens_at": now - HOUR, "closes_at": now + HOUR}],
        "closed": [{"closes_at": now - HOUR}, {"closes_at": now - HOUR, "quantity": 0}],
        "sold_out": [{"quantity": 7, "issued": 7}, {"quantity": 0, "closes_at": now + HOUR}],
    }
    return {state: [CouponFactory(**each) for each in kinds] for state, kinds in terms.items()}


def closing(*coupons):
    """The address that asks whether to close them, and closes them."""
    return f"{CLOSE}?{urlencode({'id': [each.pk for each in coupons]}, doseq=True)}"


@pytest.mark.parametrize(("state", "shown"), STATES)
def test_state_is_shown_and_filtered_by_the_database_s_clock(admin_client, campaigns, state, shown):
    page = admin_client.get(LIST, {"state": state})
    assert list(page.context["cl"].result_list) == campaigns[state][::-1]
    now = database_clock()
    assert [each.state_at(now) for each in campaigns[state]] == [state] * 2
    for coupon in campaigns[state]:
        assert shown in shown_on(admin_client, coupon)["state"]


def shown_on(browser, coupon):
    fields = [
        each for part in browser.get(page_of(coupon)).context["adminform"] for line in part for each in line
    ]
    return {each.field["name"]: str(each.contents()) for each in fields if hasattr(each, "contents")}


def test_closing_asks_first_and_then_ends_the_campaign_at_the_database_s_time(admin_client, campaigns):
    coupon = campaigns["running"][0]
    assert "더 발급하지 않아요" in admin_client.get(closing(coupon)).content.decode()
    assert Coupon.objects.get(pk=coupon.pk).closes_at is None
    before = database_clock()
    assert admin_client.post(closing(coupon)).url == page_of(coupon)
    closed = Coupon.objects.get(pk=coupon.pk)
    assert before <= closed.closes_at <= database_clock()
    assert closed.state_at(database_clock()) == "closed"


def test_closing_is_logged_with_when_it_would_have_closed(admin_client, campaigns):
    coupon = campaigns["running"][1]
    admin_client.post(closing(coupon))
    entry, now = LogEntry.objects.get(), Coupon.objects.get(pk=coupon.pk).closes_at
    assert (entry.object_id, entry.user.username) == (str(coupon.pk), "admin")
    before, after = (f"{localtime(each):%F %T}" for each in (coupon.closes_at, now))
    assert f"{before} → {after}" in action_log.describe(entry)


@pytest.mark.parametrize("state", ["scheduled", "closed"])
def test_campaign_that_does_not_run_is_not_closed(admin_client, campaigns, state):
    for coupon in campaigns[state]:
        for ask in (admin_client.get, admin_client.post):
            answer = ask(closing(coupon), follow=True)
            assert "이미 끝났거나 아직 시작하지 않은" in answer.content.decode()
        assert Coupon.objects.get(pk=coupon.pk).closes_at == coupon.closes_at
        assert reverse("admin:coupons_coupon_close", args=[coupon.pk]) not in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_selected_campaigns_are_closed_together_and_the_others_left(admin_client, campaigns):
    everything = [each for kind in campaigns.values() for each in kind]
    form = {"action": "close_selected", "_selected_action": [each.pk for each in everything]}
    answer = admin_client.post(LIST, form)
    assert set(admin_client.get(answer.url).context["coupons"]) == {
        *campaigns["running"],
        *campaigns["sold_out"],
    }
    assert admin_client.post(answer.url).url == LIST
    assert LogEntry.objects.count() == Coupon.objects.with_state("closed").count() - 2 == 4


@pytest.mark.parametrize("ids", [["x"], ["9" * 30], ["\0"], ["-1"], [], ["999999"]])
def test_closing_what_is_no_campaign_changes_nothing(admin_client, campaigns, ids):
    for ask in (admin_client.get, admin_client.post):
        assert ask(f"{CLOSE}?{urlencode({'id': ids}, doseq=True)}").status_code == 302
    assert Coupon.objects.with_state("closed").count() == 2


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("merchandiser", 200), ("operator", 200)])
def test_closing_and_copying_are_for_roles_that_change_campaigns(staff_of, campaigns, role, status):
    browser, coupon = staff_of(role), campaigns["running"][0]
    copy = reverse("admin:coupons_coupon_copy", args=[coupon.pk])
    page = browser.get(page_of(coupon)).content.decode()
    assert ("지금 마감" in page) == (copy in page) == (status == 200)
    assert [browser.get(url).status_code for url in (closing(coupon), copy)] == [status] * 2
    assert browser.post(closing(coupon)).status_code == (302 if status == 200 else status)
    assert browser.post(copy, {"name": "x"}).status_code == status


def test_copy_opens_the_add_form_with_the_terms_in_it_and_saves_another(admin_client):
    now = database_clock()
    source = CouponFactory(
        name="봄", quantity=7, issued=3, max_discount=900, opens_at=now, closes_at=now + HOUR
    )
    url = reverse("admin:coupons_coupon_copy", args=[source.pk])
    form = admin_client.get(url).context["adminform"].form
    assert form.instance.pk is None
    assert form.initial == {name: getattr(source, name) for name in form.fields}
    fields = {"name": "봄", "discount_type": "percent", "discount_value": 20, "quantity": 8}
    assert admin_client.post(url, fields).url == LIST
    copied = Coupon.objects.latest("pk")
    assert (Coupon.objects.count(), copied.quantity, copied.issued) == (2, 8, 0)
    source.refresh_from_db()
    assert (source.quantity, source.issued) == (7, 3)


def test_copy_of_nothing_leads_to_the_first_page_and_no_link_fills_in_a_form(admin_client):
    copy = reverse("admin:coupons_coupon_copy", args=[999_999])
    assert admin_client.get(copy).status_code == 302
    added = admin_client.get(reverse("admin:coupons_coupon_add"), {"name": "x", "copied": "1"})
    assert added.context["adminform"].form.initial == {}


def issued(coupon, *ago, used=0):
    """So many coupons of the campaign, issued so long ago; the first of them used."""
    now = database_clock()
    for sequence, each in enumerate(ago, start=1):
        IssuedCoupon.objects.create(
            coupon=coupon,
            user=UserFactory(),
            sequence=sequence,
            issued_at=now - each,
            expires_at=now + HOUR,
            used_at=now if sequence <= used else None,
            **{name: getattr(coupon, name) for name in ("name", "discount_type", "discount_value")},
        )
    Coupon.objects.filter(pk=coupon.pk).update(issued=len(ago))


def test_page_says_how_many_are_issued_a_minute_and_what_share_is_used(admin_client):
    coupon = CouponFactory(quantity=100)
    issued(coupon, *[HOUR / 2] * 60, used=15)
    shown = shown_on(admin_client, coupon)
    assert shown["used"] == "15 (25.0%)"
    assert shown["pace"].startswith("2.0 · 소진 예상")


@pytest.mark.parametrize(
    ("ago", "pace"),
    [([HOUR / 6] * 40, 4), ([21 * 24 * HOUR] * 30 + [HOUR / 2] * 100, 100 / 30)],
    ids=["of minutes", "of weeks, in its second rush"],
)
def test_pace_is_that_of_the_newest_issues(ago, pace):
    coupon = CouponFactory(quantity=10_000)
    issued(coupon, *ago)
    assert issue_forecast(coupon_id=coupon.pk).per_minute == pytest.approx(pace, rel=0.03)


def test_page_of_a_campaign_of_weeks_says_how_many_are_issued_a_day(admin_client):
    coupon = CouponFactory(quantity=10_000)
    issued(coupon, *[(504 - 12 * n) * HOUR for n in range(42)])
    assert shown_on(admin_client, coupon)["pace"] == "0.1장 미만, 하루 2.0장"


def test_pace_of_a_campaign_that_ended_is_that_of_its_last_issues():
    for terms in ({"quantity": 10}, {"quantity": 11, "closes_at": database_clock() - HOUR}):
        coupon = CouponFactory(**terms)
        issued(coupon, *[4 * HOUR] * 5, *[3 * HOUR] * 5)
        forecast = issue_forecast(coupon_id=coupon.pk)
        assert forecast.per_minute == pytest.approx(1 / 6, rel=0.01)
        assert forecast.sold_out_at is None


def test_used_share_counts_the_first_ones_of_a_large_campaign(monkeypatch):
    monkeypatch.setattr("coupons.selectors.USED_SAMPLE_SIZE", 4)
    coupon = CouponFactory()
    issued(coupon, *[HOUR] * 6, used=3)
    share = used_share(coupon_id=coupon.pk)
    assert (share.used, share.counted) == (3, 4)


def test_campaigns_about_to_open_and_just_finished_are_on_the_first_page(admin_client):
    now, day = database_clock(), timedelta(days=1)
    for name, terms in {
        "tomorrow": {"opens_at": now + day},
        "in a while": {"opens_at": now + 6 * day},
        "far": {"opens_at": now + 8 * day},
        "closed": {"closes_at": now - day},
        "long closed": {"closes_at": now - 8 * day},
        "never opened nor sold": {"quantity": 0},
    }.items():
        CouponFactory(name=name, **terms)
    issued(CouponFactory(name="sold out", quantity=2), 2 * day, 2 * day)
    issued(CouponFactory(name="long sold out", quantity=1), 9 * day)
    assert [each.name for each in opening_soon(limit=4)] == ["tomorrow", "in a while"]
    assert [each.name for each in just_finished(limit=4)] == ["closed", "sold out"]
    buy()
    text = admin_client.get(reverse("admin:index")).content.decode()
    assert all(name in text for name in ("tomorrow", "in a while", "closed", "sold out"))


def test_campaign_s_page_sends_as_many_statements_for_many_issues_as_for_few(admin_client):
    coupon = CouponFactory(quantity=100)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(page_of(coupon))
        return len(queries)

    issued(coupon, HOUR)
    once = asked()
    IssuedCoupon.objects.all().delete()
    issued(coupon, *[HOUR] * 30)
    assert asked() == once <= 20


def test_checks_of_the_admin_ask_no_database(django_assert_num_queries):
    """They run before the first migration has made a table."""
    with django_assert_num_queries(0):
        assert site.check(None) == []
