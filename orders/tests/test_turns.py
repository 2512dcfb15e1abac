"""Whoever changes several events takes them by ascending id, so that no two wait for each other."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from core.db import metrics
from orders.models import OrderEvent
from orders.outbox import events as outbox
from orders.outbox.delivery import LEASE
from orders.services import Basket, checkout
from products.factories import ProductFactory
from tests.kit.database import broken, execute, lock_waiters
from tests.kit.processes import until
from tests.kit.scenes import at_once
from users.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

COUNT, TURNS = 9, 60
# Twice PostgreSQL ends an update as one of a deadlock.
CONFLICTS = """
CREATE SEQUENCE tries;
CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40P01'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER conflict AFTER UPDATE ON orders_orderevent FOR EACH STATEMENT EXECUTE FUNCTION conflict()"""
NO_CONFLICTS = "DROP FUNCTION conflict CASCADE; DROP SEQUENCE tries"


@pytest.fixture(autouse=True)
def events(transactional_db: None) -> list[OrderEvent]:
    """By ascending id; a look through the table comes upon the last one first."""
    user, product = UserFactory(), ProductFactory(price=0, stock=COUNT)
    for _ in range(COUNT):
        checkout(basket=Basket(user.pk, {product.pk: 1}))
    rows = list(OrderEvent.objects.order_by("pk"))
    OrderEvent.objects.all().delete()
    OrderEvent.objects.bulk_create(reversed(rows))
    return rows


def deliver() -> None:
    claimed = outbox.claim(limit=COUNT, lease=LEASE)
    outbox.mark_delivered(event_ids=[event.id for event in reversed(claimed)])


def redeliver() -> None:
    call_command("redeliver_events", "--until", "2999-01-01T00:00Z", stdout=StringIO())


def redeliver_in_any_order() -> None:
    OrderEvent.objects.all().redeliver()


def deadlocks_of(*works: Callable[[], None], times: int = 1) -> float:
    """How often PostgreSQL ended one of these, done at the same time, so that the others went on."""

    def ended(work: Callable[[], None]) -> int:
        try:
            work()
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            return 1
        return 0

    retried = metrics.CONFLICTS.labels("deadlock")._value
    before = retried.get()
    loops = [lambda work=work: sum(ended(work) for _ in range(times)) for work in works]
    return sum(at_once(loops)) + retried.get() - before


def deadlocks_at(row: OrderEvent, *works: Callable[[], None]) -> float:
    """The same where each has taken what it can before this row, and waits."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            OrderEvent.objects.filter(pk=row.pk).locked().get()
            found = pool.submit(deadlocks_of, *works)
            until(lambda: len(lock_waiters()) == len(works))
        return found.result()


def test_mark_delivered_beside_redeliver_waits_for_its_turn(events: list[OrderEvent]) -> None:
    mark = partial(outbox.mark_delivered, event_ids=[event.pk for event in events])
    assert deadlocks_at(events[COUNT // 2], mark, redeliver) == 0
    assert OrderEvent.objects.filter(state__in=["pending", "delivered"]).count() == COUNT


def test_mark_delivered_beside_an_update_in_any_order_is_a_deadlock(events: list[OrderEvent]) -> None:
    """The negative control of the one above."""
    mark = partial(outbox.mark_delivered, event_ids=[event.pk for event in events])
    assert deadlocks_at(events[COUNT // 2], mark, redeliver_in_any_order) > 0


def test_redeliver_beside_deliveries_again_and_again_keeps_every_event() -> None:
    assert deadlocks_of(redeliver, redeliver, deliver, deliver, deliver, times=TURNS) == 0
    redeliver()
    deliver()
    assert OrderEvent.objects.filter(state="delivered", attempts=1).count() == COUNT


def test_redeliver_of_more_than_one_transaction_takes_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "REDELIVERED_AT_ONCE", 2)
    deliver()
    assert outbox.redeliver(events=OrderEvent.objects.all()) == COUNT
    assert OrderEvent.objects.filter(state="pending", attempts=0).count() == COUNT


def test_mark_is_made_again_after_a_deadlock_so_that_nothing_is_sent_twice() -> None:
    taken, failed = outbox.claim(limit=2, lease=LEASE)
    with broken(CONFLICTS, NO_CONFLICTS):
        outbox.mark_delivered(event_ids=[taken.id])
        execute("SELECT setval('tries', 1, false)")
        outbox.mark_failed(event=failed, error="no", wait=None)
    assert OrderEvent.objects.get(pk=taken.id).state == "delivered"
    assert OrderEvent.objects.get(pk=failed.id).state == "dead"
