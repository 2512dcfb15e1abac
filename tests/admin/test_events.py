"""Sending events again: those that are selected, or all dead ones that the filter finds."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

import orders.admin
from orders.models import OrderEvent
from orders.outbox.events import body_of, claim, mark_delivered, render
from orders.selectors import dead_by_error
from tests.kit.backoffice import buy, page_of
from tests.kit.operator import Fields

pytestmark = pytest.mark.django_db

EVENTS = reverse("admin:orders_orderevent_changelist")
DEAD = reverse("admin:orders_orderevent_redeliver_dead")


@pytest.fixture
def events(transactional_db):
    """Four events: the first two dead, the third delivered."""
    for _ in range(4):
        buy()
    first, second, third, fourth = OrderEvent.objects.order_by("order_id")
    dead = OrderEvent.objects.filter(pk__in=[first.pk, second.pk])
    dead.update(state="dead", attempts=24, last_error="HTTP 500")
    mark_delivered(event_ids=[third.pk])
    return first, second, third, fourth


def dead():
    return set(OrderEvent.objects.filter(state="dead").values_list("pk", flat=True))


def test_list_by_state_shows_attempts_and_the_last_error(admin_client, events):
    answer = admin_client.get(EVENTS, {"state__exact": "dead"})
    assert {row.pk for row in answer.context["cl"].result_list} == dead()
    assert all(text in answer.content.decode() for text in ("24", "HTTP 500", "전송 포기"))


def test_selected_events_are_due_again_and_each_leaves_an_entry_in_the_log(admin_client, events):
    chosen = {"action": "redeliver", "_selected_action": [events[0].pk, events[2].pk]}
    answer = admin_client.post(EVENTS, chosen, follow=True)
    assert "이벤트 2건을 다시 보내도록 예약했어요." in answer.content.decode()
    assert dead() == {events[1].pk}
    assert OrderEvent.objects.get(pk=events[2].pk).state == "pending"
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(e.pk) for e in events[::2]}


def test_selection_across_pages_means_all_that_the_filter_finds(admin_client, events):
    chosen = {"action": "redeliver", "_selected_action": [events[0].pk], "select_across": "1"}
    asked = admin_client.post(f"{EVENTS}?state__exact=dead", chosen)
    assert "이벤트 2건을 다시 보낼까요?" in asked.content.decode()
    assert len(dead()) == 2
    admin_client.post(
        f"{EVENTS}?state__exact=dead", Fields(asked.content.decode()).found | {"confirmed": "1"}
    )
    assert not dead()
    assert OrderEvent.objects.get(pk=events[2].pk).state == "delivered"


@pytest.mark.parametrize(("query", "left"), [("", 0), ("?state__exact=delivered", 2), ("?q=9999999", 2)])
def test_dead_events_of_the_list_are_sent_at_once_and_no_others(admin_client, events, query, left):
    answer = admin_client.post(DEAD + query)
    assert answer.url == EVENTS + (query or "?")
    assert len(dead()) == left
    assert OrderEvent.objects.get(pk=events[2].pk).state == "delivered"


def test_selection_of_more_rows_than_a_request_carries_is_refused(admin_client, events, monkeypatch):
    monkeypatch.setattr(orders.admin, "MAX_AT_ONCE", 1)
    answer = admin_client.post(DEAD, follow=True)
    assert "manage.py redeliver_events" in answer.content.decode()
    assert len(dead()) == 2
    assert not LogEntry.objects.exists()


def test_redelivery_of_dead_events_asks_first_and_says_how_many(admin_client, events):
    asked = admin_client.get(DEAD).content.decode()
    assert "이벤트 2건을 다시 보낼까요?" in asked
    assert "<script>" not in asked
    assert len(dead()) == 2


def test_dead_events_are_grouped_by_error_and_one_group_is_sent_again(admin_client, events):
    OrderEvent.objects.filter(pk=events[1].pk).update(last_error="TimeoutError: timed out")
    groups = admin_client.get(DEAD).context["groups"]
    assert {(group.last_error, group.count) for group in groups} == {
        ("HTTP 500", 1),
        ("TimeoutError: timed out", 1),
    }
    admin_client.post(DEAD, {"error": "TimeoutError: timed out"})
    assert dead() == {events[0].pk}


@pytest.mark.parametrize("error", ["\0", "HTTP 5", "", "'; --"])
def test_group_that_there_is_not_sends_nothing(admin_client, events, error):
    assert admin_client.post(DEAD, {"error": error}).status_code == 302
    assert len(dead()) == 2


def test_groups_are_counted_to_a_bound(events):
    (group,) = dead_by_error(OrderEvent.objects.all(), max_count=1)
    assert group.count == 1


@pytest.mark.parametrize("page", ["order", "orderevent"])
def test_event_is_sent_again_from_its_page_and_that_of_its_order(admin_client, events, page):
    url = page_of(events[0].order if page == "order" else events[0])
    (action,) = re.findall(r'action="([^"]+/redeliver/[^"]*)"', admin_client.get(url).content.decode())
    assert admin_client.get(action).status_code == 403
    answer = admin_client.post(action, follow=True)
    assert answer.redirect_chain == [(url, 302)]
    assert "이벤트 1건을 다시 보내도록 예약했어요." in answer.content.decode()
    assert dead() == {events[1].pk}
    assert LogEntry.objects.get().object_id == str(events[0].pk)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("merchandiser", 403), ("operator", 302)])
def test_redelivery_needs_its_permission(staff_of, events, role, status):
    browser, url = staff_of(role), reverse("admin:orders_orderevent_redeliver", args=[events[0].pk])
    assert browser.post(url).status_code == browser.post(DEAD).status_code == status
    assert (browser.get(DEAD).status_code == 403) == (status == 403)
    assert len(dead()) == (2 if status == 403 else 0)
    shown = browser.get(page_of(events[0])).content.decode()
    assert ("/redeliver/" in shown) == (status == 302)


def test_errors_of_dead_events_are_for_those_who_see_events(client, events):
    account = User.objects.create_user("otto", is_staff=True)
    account.user_permissions.add(Permission.objects.get(codename="redeliver_orderevent"))
    client.force_login(account)
    page = reverse("admin:orders_orderevent_redeliver_dead")
    assert (client.get(page).status_code, client.post(page).status_code) == (403, 403)


def test_event_is_not_sent_again_without_a_csrf_token(admin_user, events):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin_user)
    for url in (DEAD, reverse("admin:orders_orderevent_redeliver", args=[events[0].pk])):
        assert browser.post(url).status_code == 403
    assert len(dead()) == 2


def test_event_body_on_the_pages_equals_the_posted_one(admin_client, events):
    (sent,) = [render(each) for each in claim(limit=9, lease=timedelta(1)) if each.id == events[3].pk]
    assert body_of(event=events[3]) == sent
    for shown in (events[3], events[3].order):
        context = admin_client.get(page_of(shown)).context
        assert context["body"] == sent.decode()
        assert json.loads(context["readable"]) == json.loads(sent)


def test_events_are_told_apart_by_the_end_of_their_ids(admin_client, events):
    shown = re.findall(r"…(\w{8})", admin_client.get(EVENTS).content.decode())
    assert shown == [str(event.pk)[-8:] for event in reversed(events)]
