"""What an event says, each time that it is sent."""

import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from orders.models import OrderEvent
from orders.outbox.delivery import deliver_due_events
from orders.outbox.platform import Platform
from orders.services import Basket, checkout
from products.factories import ProductFactory
from tests.kit.database import execute
from tests.kit.events import body
from tests.kit.platforms import recorder
from users.factories import UserFactory


@pytest.fixture
def event(transactional_db) -> OrderEvent:
    """That of an order placed now."""
    checkout(basket=Basket(UserFactory().pk, {ProductFactory(price=0).pk: 1}))
    return OrderEvent.objects.get()


def test_event_names_the_source_that_was_set_when_the_order_was_placed(settings, transactional_db):
    settings.EVENT_SOURCE = "https://shop.example/orders?branch=1"
    checkout(basket=Basket(UserFactory().pk, {ProductFactory(price=0).pk: 1}))
    event = OrderEvent.objects.get()
    first = body(event)
    settings.EVENT_SOURCE = "/elsewhere"
    assert body(event) == first
    assert b'"source":"https://shop.example/orders?branch=1"' in first


def test_event_says_the_same_whether_traces_are_on_or_off_when_it_is_sent(event):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert b"traceparent" not in body(event)
    OrderEvent.objects.update(traceparent=trace)
    with recorder() as platform:
        deliver_due_events(platform=Platform(url=platform.url, secret="", user_agent="x"))
    ((headers, sent),) = platform.attempts
    assert sent == body(event)
    assert f'"traceparent":"{trace}","data"'.encode() in sent
    assert headers["traceparent"] == trace


def test_event_written_by_sql_alone_has_the_default_source(event):
    execute("DELETE FROM orders_orderevent")
    execute("INSERT INTO orders_orderevent (order_id) VALUES (%s)", event.order_id)
    assert b'"source":"/orders"' in body(OrderEvent.objects.get())


@pytest.mark.django_db
def test_event_s_delay_is_measured_by_the_database_s_clock(event, monkeypatch):
    observed = []
    monkeypatch.setattr("orders.outbox.delivery.LAG.observe", observed.append)
    monkeypatch.setattr("django.utils.timezone.now", lambda: 1 / 0)
    with recorder() as platform:
        at = Platform(url=platform.url, secret="", user_agent="x")
        assert deliver_due_events(platform=at) == 1
    (lag,) = observed
    assert 0 < lag < 30


def test_version_is_the_project_s():
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]
    assert project["version"] == settings.VERSION
