"""`kill -9` to the worker, before, during and after it posts an event."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from orders.models import OrderEvent
from orders.outbox.delivery import CONCURRENCY, LEASE
from orders.outbox.events import claim
from products.factories import ProductFactory
from tests.kit.database import execute, lock_waiters
from tests.kit.faults import end_waiting
from tests.kit.platforms import accept, is_delivered
from tests.kit.processes import PATIENCE_SECONDS, until
from tests.kit.scenes import buyer
from tests.kit.shop import LEASE_AND_SWEEP_SECONDS, Shop

ROUNDS = 20

Buy = Callable[[], int]


def test_worker_killed_before_during_and_after_its_post_leaves_nothing_undelivered(recorded: Shop) -> None:
    buy, bought = orders_of_somebody(recorded), OrderEvent.objects.count()
    for _ in range(ROUNDS):
        for kill in (kill_before_the_post, kill_during_the_post, kill_after_the_post):
            kill(recorded, buy)
    recorded.worker.start()
    recorded.deliver_all(seconds=LEASE_AND_SWEEP_SECONDS)
    bodies = defaultdict(set)
    for headers, body in recorded.platform.attempts:
        bodies[headers["webhook-id"]].add(body)
    assert len(bodies) == bought + 3 * ROUNDS
    assert all(len(different) == 1 for different in bodies.values())
    assert len(recorded.platform.attempts) > len(bodies)


@pytest.mark.parametrize(("moment", "posts"), [("before", 1), ("during", 2), ("after", 2)])
def test_kill_costs_at_most_one_duplicate_with_the_same_id_and_bytes(
    recorded: Shop, moment: str, posts: int
) -> None:
    kill = {"before": kill_before_the_post, "during": kill_during_the_post, "after": kill_after_the_post}
    bought: list[int] = []
    buy = orders_of_somebody(recorded)
    kill[moment](recorded, lambda: bought.append(buy()) or bought[0])
    execute("UPDATE orders_orderevent SET leased_until = now() WHERE state = 'pending'")
    recorded.worker.start()
    recorded.deliver_all()
    attempts = recorded.platform.of_order(bought[0])
    assert len(attempts) == posts
    assert len({body for _, body in attempts}) == 1
    event = OrderEvent.objects.get(order_id=bought[0])
    assert {headers["webhook-id"] for headers, _ in attempts} == {str(event.pk)}


def test_events_leased_by_a_killed_worker_stay_until_the_lease_ends(recorded: Shop) -> None:
    buy = orders_of_somebody(recorded)
    kill_during_the_post(recorded, buy)
    event = OrderEvent.objects.get(state="pending")
    recorded.worker.start()
    later = buy()
    until(lambda: is_delivered({"id": later}))
    assert OrderEvent.objects.get(state="pending").leased_until == event.leased_until
    execute("UPDATE orders_orderevent SET leased_until = now() WHERE state = 'pending'")
    recorded.deliver_all(seconds=5)


def kill_before_the_post(shop: Shop, buy: Buy) -> None:
    """While it claims, which is one statement with reading; then as if a moment later, when that is done."""
    shop.worker.kill()
    order_id = buy()
    with transaction.atomic():
        execute("LOCK TABLE orders_orderitem IN ACCESS EXCLUSIVE MODE")
        shop.worker.start()
        until(lock_waiters)
        shop.worker.kill()
        end_waiting()
    claim(limit=CONCURRENCY, lease=LEASE)
    assert claimed(order_id)
    assert shop.platform.of_order(order_id) == []


def kill_during_the_post(shop: Shop, buy: Buy) -> None:
    """The platform has the event and has not answered yet."""
    shop.worker.start()
    with answers_held(shop):
        order_id = buy()
        until(lambda: shop.platform.of_order(order_id))
        shop.worker.kill()
    assert not is_delivered({"id": order_id})


def kill_after_the_post(shop: Shop, buy: Buy) -> None:
    """The platform has answered, but the worker cannot write it down."""
    shop.worker.start()
    with transaction.atomic():
        with answers_held(shop):
            order_id = buy()
            until(lambda: shop.platform.of_order(order_id))
            execute("SELECT 1 FROM orders_orderevent WHERE order_id = %s FOR UPDATE", order_id)
        until(lock_waiters)
        shop.worker.kill()
        end_waiting()
    assert not is_delivered({"id": order_id})


def orders_of_somebody(shop: Shop) -> Buy:
    """Buys a unit at each call; the order's id."""
    user, product = buyer(shop.http), ProductFactory(price=1, stock=1000)

    def buy() -> int:
        answer = shop.http.order(user, {product.pk: 1})
        assert answer.status == 201
        return int(answer.json["id"])

    return buy


def claimed(order_id: int) -> bool:
    """Whether a worker has an event in hand."""
    return OrderEvent.objects.filter(order_id=order_id, leased_until__isnull=False).exists()


@contextmanager
def answers_held(shop: Shop) -> Iterator[None]:
    """The platform answers nothing inside the block."""
    release = threading.Event()

    def answer_when_released(body: bytes) -> tuple[int, dict[str, str]]:
        release.wait(PATIENCE_SECONDS)
        return accept(body)

    shop.platform.answers = answer_when_released
    yield
    shop.platform.answers = accept
    release.set()
