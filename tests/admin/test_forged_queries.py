"""Lists take only what they offer: anything else leads back to the list, for every role; nothing is a 500."""

from urllib.parse import urlsplit

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldError
from django.db import DataError
from django.urls import reverse
from unfold.views import ChangeList

from backoffice.base import BaseAdmin
from orders.models import OrderEvent
from tests.kit.backoffice import page_of

pytestmark = pytest.mark.django_db

LISTS = [
    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in site._registry
]
HUGE, ENDLESS = "9" * 30, "9" * 5000
# No list offers these; what leads back to the list costs a test little.
UNOFFERED = [
    "name__regex=(",
    "username__regex=(",
    "password__startswith=p",
    "created_at__year=99999999",
    "id__in=1",
    "pk__in=1&pk__in=%00",
    "id__exact=1",
    "user__name=x",
    "user__orders__id=1",
    "object_id__exact=1%00",
    "%00=1",
    "%ED%A0%80=1",
    "x=1",
    f"{'x' * 3000}=1",
    "_to_field=name",
    "_to_field=%00",
    "e=1&name__regex=(",
    "state__exact=%00&event__state__exact=%00&type__exact=%00&discount_type__exact=%00",
    "status=%00&stock=%00&is_active__exact=%00&groups__id__exact=%00",
    "state__exact=pending&state__exact=x",
    f"user__id__exact=x&coupon__id__exact={ENDLESS}",
    "ordered_at_from=%00&order__ordered_at_from=99999999-01-01&created_at_to=x&issued_at_to=-1",
    "action_time_from=%EF%BC%91",
    "action_time__date=0000-00-00",
]
# These say nothing about rows that a list could not show.
HARMLESS = [
    "q=%00",
    "q=%ED%A0%80&q=%F0%9F%98%80",
    f"q={ENDLESS}",
    f"p={HUGE}&o={ENDLESS}.-{HUGE}.%00.x.-",
    "p=%00&o=1.2.3.4.5.6.7.8.-9&all=%00&_popup=1&_facets=1&_changelist_filters=%00",
    "p=-1&e=1",
]
OFFERED = {
    "orders_order": ["user__id__exact=1", f"user__id__exact={HUGE}", "event__state__exact=dead",
                     "ordered_at_from=0001-01-01&ordered_at_to=9999-12-31", "event__state__exact="],
    "orders_orderevent": ["state__exact=dead", "state__exact=dead&state__exact=pending",
                          "order__ordered_at_to=9999-12-30"],
    "points_pointtransaction": ["user__id__exact=1", "type__exact=charge", "created_at_to=0001-01-01"],
    "coupons_issuedcoupon": ["user__id__exact=1", "coupon__id__exact=1", "status=used"],
    "coupons_coupon": ["discount_type__exact=percent"],
    "products_product": ["stock=low", "stock=", "o=3"],
    "auth_user": ["is_active__exact=1", f"groups__id__exact={HUGE}"],
}  # fmt: skip


@pytest.fixture
def browser_of(staff_of, client, bought):
    """A browser of a role, which answers 500 where a view raises."""

    def signed_in(role):
        if role == "superuser":
            client.force_login(User.objects.create_superuser(role))
        else:
            staff_of(role)
        client.raise_request_exception = False
        return client

    return signed_in


@pytest.mark.long
@pytest.mark.parametrize("role", ["superuser", "viewer", "merchandiser", "operator"])
def test_list_gives_no_role_an_error_or_unoffered_rows(browser_of, role):
    browser, answers = browser_of(role), {}
    for url in LISTS:
        status = browser.get(url).status_code
        expected = dict.fromkeys(UNOFFERED, 302 if status == 200 else status)
        got = {query: browser.get(f"{url}?{query}") for query in UNOFFERED}
        answers |= {f"{url}?{query}": got[query].status_code for query in got}
        assert {query: answer.status_code for query, answer in got.items()} == expected, url
        assert {answer.url for answer in got.values() if answer.status_code == 302} <= {f"{url}?e=1"}
    assert set(answers.values()) <= {302, 403}


@pytest.mark.parametrize("query", HARMLESS)
def test_parameters_that_say_nothing_about_rows_are_answered_by_the_list(browser_of, query):
    browser = browser_of("superuser")
    assert {browser.get(f"{url}?{query}").status_code for url in LISTS} <= {200, 302}


@pytest.mark.parametrize("table", OFFERED)
def test_filters_that_a_list_offers_are_taken(browser_of, table):
    browser, url = browser_of("superuser"), reverse(f"admin:{table}_changelist")
    assert {browser.get(f"{url}?{query}").status_code for query in OFFERED[table]} == {200}


def test_redirect_from_a_forged_query_says_why(browser_of):
    answer = browser_of("superuser").get(f"{LISTS[0]}?name__regex=(", follow=True)
    assert "조건이나 값이 없어" in answer.content.decode()


@pytest.mark.parametrize("query", ["name__regex=(", "discount_type__exact=%00"])
def test_list_without_the_guard_would_take_it(browser_of, monkeypatch, query):
    monkeypatch.setattr(BaseAdmin, "get_changelist", lambda *_, **__: ChangeList)
    browser = browser_of("superuser")
    browser.raise_request_exception = True
    with pytest.raises((DataError, FieldError)):
        browser.get(f"{reverse('admin:coupons_coupon_changelist')}?{query}")


def test_exports_and_the_button_for_dead_events_take_no_other_lookups_than_their_list(browser_of):
    browser = browser_of("superuser")
    for table, page in (
        ("users_user", "export"), ("products_product", "export"), ("coupons_coupon", "export"),
        ("orders_orderevent", "redeliver_dead"),
    ):  # fmt: skip
        for query in UNOFFERED:
            answer = browser.post(reverse(f"admin:{table}_{page}") + f"?{query}", {"format": "0"})
            assert (answer.status_code, answer.url) == (302, reverse(f"admin:{table}_changelist") + "?e=1")


@pytest.mark.django_db(transaction=True)  # sending again is a transaction of its own
def test_forged_actions_change_nothing(browser_of):
    browser, events = browser_of("operator"), reverse("admin:orders_orderevent_changelist")
    OrderEvent.objects.update(state="dead")
    for chosen in ("\0", "x", "", HUGE, "1", "00000000-0000-0000-0000-000000000000"):
        for action in ("redeliver", "delete_selected", "\0", ""):
            for more in ({}, {"index": HUGE}, {"index": "-5"}, {"index": ENDLESS, "select_across": "0"}):
                fields = {"action": action, "_selected_action": [chosen], **more}
                assert browser.post(events, fields).status_code in {200, 302}
    assert OrderEvent.objects.get().state == "dead"


IDS = [
    "%00",
    "1%00",
    HUGE,
    ENDLESS,
    "_5F",
    "_00",
    "abc",
    "%ED%A0%80",
    "-1",
    "1/2",
    "%EF%BC%91%EF%BC%91%EF%BC%91",
]


@pytest.mark.long
def test_forged_ids_in_an_address_find_nothing(browser_of):
    browser = browser_of("superuser")
    for url in LISTS:
        for forged in IDS:
            for page in ("change", "history", "delete", "password"):
                answers = [
                    browser.get(f"{url}{forged}/{page}/"),
                    browser.post(f"{url}{forged}/{page}/", {"a": 1}),
                ]
                assert {answer.status_code for answer in answers} <= {302, 403, 404}, (url, forged, page)


AUTOCOMPLETE = [
    "",
    "app_label=orders&model_name=order&field_name=user&term=%00",
    "app_label=users&model_name=user&field_name=order&term=1",
    "app_label=admin&model_name=logentry&field_name=user&page=x",
    "app_label=%00&model_name=%00&field_name=%00",
]


def test_autocomplete_and_view_on_site_are_not_offered(browser_of):
    browser = browser_of("superuser")
    assert {browser.get(f"/admin/autocomplete/?{each}").status_code for each in AUTOCOMPLETE} == {404}
    for kind in ContentType.objects.all():
        assert {browser.get(f"/admin/r/{kind.pk}/{forged}/").status_code for forged in IDS[:4]} == {404}


ELSEWHERE = [
    "/admin/search/?s=%00&page=x&extended=1",
    "/admin/jsi18n/?language=%00",
    "/admin/password_change/?next=%00",
    "/admin/%00/",
    "/admin/orders/?q=%00",
    "/admin/i18n/setlang/?next=%00",
    "/admin/login/?next=%00",
    "/admin/logout/?next=%00",
    "/admin/coupons/coupon/add/?opens_at=x&closes_at=%00&quantity=" + HUGE,
    "/admin/auth/group/add/?permissions=x",
    "/admin/auth/user/add/?username=%00&_popup=1",
    "/admin/coupons/coupon/add/?_to_field=%00",
    "/admin/coupons/coupon/import/?resource=%00",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_pages_other_than_lists_take_any_query(browser_of, url):
    assert browser_of("superuser").get(url).status_code in {200, 204, 302, 400, 404, 405}


@pytest.mark.django_db(transaction=True)  # the first page reads in a transaction of its own
def test_first_page_takes_any_query(browser_of):
    assert browser_of("superuser").get("/admin/?q=%00&hours=x").status_code == 200


@pytest.mark.parametrize("following", ["%00", "\0", "//[", "/[", "http://[", "/%ED%A0%80", "/" * 99, "\\\\x"])
def test_next_address_never_makes_an_error(client, bought, following):
    client.raise_request_exception = False
    for language in ("ko", "\0", "x" * 5000):
        chosen = client.post("/admin/i18n/setlang/", {"next": following, "language": language})
        assert chosen.status_code in {204, 302}
    User.objects.create_superuser("otto", password="password")
    answer = client.post("/admin/login/", {"next": following, "username": "otto", "password": "password"})
    assert (answer.status_code, urlsplit(answer.url).netloc) == (302, "")


@pytest.mark.parametrize("name", ["sessionid", "messages", "django_language", "csrftoken", "known_browser"])
@pytest.mark.parametrize("value", ['"aaaaaaaa\\000"', '"aaaaaaaa\\355\\240\\200"', "x" * 5000])
def test_cookie_never_makes_an_error(client, db, name, value):
    client.raise_request_exception = False
    answer = client.get("/admin/auth/group/", headers={"Cookie": f"{name}={value}"})
    assert answer.status_code == 302


def test_row_s_page_takes_any_query(browser_of, bought):
    browser = browser_of("superuser")
    for page in ("change", "history", "delete"):
        for query in ("_changelist_filters=%00", "_popup=1&p=%00", "_to_field=%00", f"p={HUGE}"):
            answer = browser.get(f"{page_of(bought, page)}?{query}")
            assert answer.status_code in {200, 400, 403}, (page, query)
