"""Sending events again: those that are selected, or all dead ones that the filter finds."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

import orders.admin
from orders.models import OrderEvent
from orders.outbox.events import mark_delivered
from tests.kit.backoffice import buy

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
    assert "이벤트 2건을 다시 보낼게요." in answer.content.decode()
    assert dead() == {events[1].pk}
    assert OrderEvent.objects.get(pk=events[2].pk).state == "pending"
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(e.pk) for e in events[::2]}


def test_selection_across_pages_means_all_that_the_filter_finds(admin_client, events):
    chosen = {"action": "redeliver", "_selected_action": [events[0].pk], "select_across": "1"}
    admin_client.post(f"{EVENTS}?state__exact=dead", chosen)
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


def test_redelivery_by_a_get_sends_nothing(admin_client, events):
    assert admin_client.get(DEAD).status_code == 403
    assert len(dead()) == 2
