"""Who sends what is due: each event somebody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from core.problems import Busy
from coupons.factories import CouponFactory
from coupons.services import issue
from orders.models import Order, OrderEvent
from orders.outbox.delivery import LEASE, deliver_due_events
from orders.outbox.events import claim, mark_failed
from orders.outbox.platform import DeliveryFailed, Platform
from orders.services import Basket, checkout
from points.services import charge
from products.factories import ProductFactory
from tests.kit.database import execute
from tests.kit.events import due_events
from tests.kit.platforms import Recorder, recorder
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def platform() -> Iterator[Recorder]:
    with recorder() as recording:
        yield recording


@pytest.fixture(autouse=True)
def events(transactional_db) -> list[OrderEvent]:
    """Three that have just become due, in this order."""
    user, product = UserFactory(), ProductFactory()
    charge(user_id=user.pk, amount=1_000_000)
    for _ in range(3):
        checkout(basket=Basket(user.pk, {product.pk: 1}))
    return list(OrderEvent.objects.order_by("order_id"))


def deliver(platform: Recorder, **told: Any) -> int:
    return deliver_due_events(platform=Platform(url=platform.url, secret="", user_agent="x"), **told)


def test_claim_takes_the_longest_due_events_without_a_lease(events):
    claims = [claim(limit=2, lease=LEASE) for _ in range(3)]
    taken = [{event.id for event in claim} for claim in claims]
    assert taken == [{events[0].pk, events[1].pk}, {events[2].pk}, set()]
    assert set(OrderEvent.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize(
    "kept",
    [
        {"state": "delivered", "delivered_at": "2026-01-01T00:00Z"},
        {"state": "dead"},
        {"next_attempt_at": "2999-01-01T00:00Z"},
        {"leased_until": "2999-01-01T00:00Z"},
    ],
    ids=["delivered", "dead", "not due yet", "being sent"],
)
def test_claim_takes_no_other(events, kept):
    OrderEvent.objects.filter(pk=events[0].pk).update(**kept)
    claimed = claim(limit=9, lease=LEASE)
    assert {event.id for event in claimed} == {events[1].pk, events[2].pk}


def test_lease_that_has_run_out_does_not_hold_up_a_claim(events):
    OrderEvent.objects.update(leased_until=F("next_attempt_at"))
    assert len(claim(limit=9, lease=LEASE)) == 3


def test_claim_returns_all_that_is_sent_as_the_orm_reads_it(events):
    order = Order.objects.filter(pk=events[1].order_id)
    order.update(issued_coupon=issue(user_id=order.get().user_id, coupon_id=CouponFactory(fixed=True).pk))
    execute("UPDATE orders_orderitem SET product_name = %s, unit_price = %s", '"커피" \\u0041\t\x7f', 2**62)
    claimed = claim(limit=3, lease=LEASE)
    assert all(0 <= event.waited < 60 for event in claimed)
    ours = sorted(event._replace(waited=0.0) for event in claimed)
    assert ours == sorted(due_events(OrderEvent.objects.all()))
    assert {type(event.ordered_at) for event in ours} == {datetime}


def test_sender_leaves_alone_what_another_has_claimed(platform):
    claim(limit=1, lease=LEASE)
    assert deliver(platform) == 2


@pytest.mark.parametrize(("stopping", "sent"), [(True, 1), (False, 3)])
def test_sender_that_is_told_to_stop_claims_no_more_and_finishes_what_it_has(
    platform, monkeypatch, stopping, sent
):
    monkeypatch.setattr("orders.outbox.delivery.CONCURRENCY", 1)
    assert deliver(platform, is_stopping=lambda: stopping) == sent
    assert OrderEvent.objects.filter(state="delivered", attempts=1).count() == sent
    assert OrderEvent.objects.filter(state="pending", attempts=0).count() == 3 - sent


def test_sweep_whose_claim_fails_has_marked_what_the_platform_took(platform, monkeypatch):
    claims = iter([claim(limit=1, lease=LEASE)])
    monkeypatch.setattr("orders.outbox.delivery.claim", lambda **_: next(claims))
    with pytest.raises(StopIteration):
        deliver(platform)
    assert OrderEvent.objects.filter(state="delivered").count() == 1


def test_sweep_that_cannot_record_a_failure_has_marked_what_the_platform_took(events, monkeypatch):
    def post(_platform: Platform, *, event_id: str, **_event: Any) -> None:
        if event_id == str(events[0].pk):
            raise DeliveryFailed("no")

    def busy(**_failed: Any) -> None:
        raise Busy

    monkeypatch.setattr(Platform, "post", post)
    monkeypatch.setattr("orders.outbox.delivery.mark_failed", busy)
    with pytest.raises(Busy):
        deliver_due_events(platform=Platform(url="http://127.0.0.1:1", secret="", user_agent="x"))
    assert OrderEvent.objects.filter(state="delivered").count() == 2


@pytest.mark.parametrize("wait", [None, timedelta(hours=6)])
def test_event_sent_again_while_it_is_being_sent_stays_due_whatever_that_attempt_comes_to(events, wait):
    OrderEvent.objects.update(attempts=24)
    failed, overtaken, _other = claim(limit=3, lease=LEASE)
    OrderEvent.objects.filter(pk=overtaken.id).redeliver()
    for taken in (failed, overtaken):
        mark_failed(event=taken, error="no", wait=wait)
    assert [(event.id, event.attempts) for event in claim(limit=3, lease=LEASE)] == [(overtaken.id, 1)]
