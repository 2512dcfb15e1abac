"""manage.py redeliver_events chooses by id, state and range."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orders.models import OrderEvent
from orders.services import Basket, checkout
from points.services import charge
from products.factories import ProductFactory
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def events(transactional_db) -> list[OrderEvent]:
    """A pending, a delivered and a dead event."""
    user, product = UserFactory(), ProductFactory()
    charge(user_id=user.pk, amount=1_000_000)
    for _ in range(3):
        checkout(basket=Basket(user.pk, {product.pk: 1}))
    pending, delivered, dead = OrderEvent.objects.select_related("order").order_by("order_id")
    OrderEvent.objects.filter(pk=delivered.pk).update(state="delivered", delivered_at="2026-01-01T00:00Z")
    OrderEvent.objects.filter(pk=dead.pk).update(state="dead", attempts=25)
    return [pending, delivered, dead]


def redeliver(*arguments: str) -> str:
    out = StringIO()
    call_command("redeliver_events", *arguments, stdout=out)
    return out.getvalue()


def states() -> list[str]:
    return list(OrderEvent.objects.order_by("order_id").values_list("state", flat=True))


def test_redeliver_of_a_state_makes_events_due_with_all_attempts_left(events):
    assert "1 events are due now" in redeliver("--state", "dead")
    assert states() == ["pending", "delivered", "pending"]
    assert OrderEvent.objects.get(pk=events[2].pk).attempts == 0


def test_redeliver_chooses_an_event_by_id(events):
    redeliver("--id", str(events[1].pk), "--id", str(events[2].pk))
    assert states() == ["pending", "pending", "pending"]


def test_redeliver_range_includes_its_start_and_not_its_end(events):
    start, end = events[1].order.ordered_at.isoformat(), events[2].order.ordered_at.isoformat()
    redeliver("--since", start, "--until", end)
    assert states() == ["pending", "pending", "dead"]


def test_redeliver_dry_run_only_counts(events):
    assert "1 events would be sent again" in redeliver("--state", "delivered", "--dry-run")
    assert states() == ["pending", "delivered", "dead"]


def test_redeliver_with_no_match_sends_nothing(events, capsys):
    with pytest.raises(SystemExit):
        redeliver()
    assert states() == ["pending", "delivered", "dead"]


@pytest.mark.parametrize("wrong", [("--id", "7"), ("--state", "lost"), ("--since", "yesterday")])
def test_redeliver_with_an_invalid_choice_is_refused(events, wrong):
    with pytest.raises(CommandError):
        redeliver(*wrong)
    assert states() == ["pending", "delivered", "dead"]
