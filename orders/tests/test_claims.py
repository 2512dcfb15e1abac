"""Who sends what is due: each event somebody, and as few senders at once as keep up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import F

from orders.delivery import LEASE, deliver_due_events
from orders.models import OrderEvent
from orders.platform import Platform
from orders.services import Basket, checkout
from points.services import charge
from products.factories import ProductFactory
from tests.platforms import Recorder, recorder
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


def deliver(platform: Recorder) -> int:
    return deliver_due_events(
        platform=Platform.at(url=platform.url, secret="", connections=4, user_agent="x")
    )


def test_a_claim_takes_what_has_been_due_longest_and_nobody_has(events):
    claims = [OrderEvent.objects.lease(limit=2, duration=LEASE) for _ in range(3)]
    assert [set(claim) for claim in claims] == [{events[0].pk, events[1].pk}, {events[2].pk}, set()]
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
def test_a_claim_takes_no_other(events, kept):
    OrderEvent.objects.filter(pk=events[0].pk).update(**kept)
    assert set(OrderEvent.objects.lease(limit=9, duration=LEASE)) == {events[1].pk, events[2].pk}


def test_a_lease_that_has_run_out_holds_nobody_off(events):
    OrderEvent.objects.update(leased_until=F("next_attempt_at"))
    assert len(OrderEvent.objects.lease(limit=9, duration=LEASE)) == 3


def test_a_second_sender_leaves_new_events_to_one_that_keeps_up(platform):
    OrderEvent.objects.lease(limit=1, duration=LEASE)
    assert deliver(platform) == 0
    assert platform.attempts == []


def test_a_second_sender_helps_one_that_is_late(platform):
    OrderEvent.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(seconds=1))
    OrderEvent.objects.lease(limit=1, duration=LEASE)
    assert deliver(platform) == 2


def test_a_second_sender_takes_over_from_one_that_no_longer_claims(platform):
    OrderEvent.objects.lease(limit=1, duration=LEASE)
    OrderEvent.objects.exclude(leased_until=None).update(
        leased_until=F("leased_until") - timedelta(seconds=1)
    )
    assert deliver(platform) == 2
