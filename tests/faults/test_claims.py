"""Who may send an event, when many want to, and when commits overtake each other."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from orders.models import OrderEvent
from orders.outbox.events import claim
from products.factories import ProductFactory
from tests.kit.database import execute, lock_waiters
from tests.kit.faults import commits_held
from tests.kit.platforms import accept, is_delivered
from tests.kit.processes import until
from tests.kit.scenes import at_once, buyer
from tests.kit.shop import Shop

SENDERS = 8
ROUNDS = 25
EVENTS = 200
LEASE = timedelta(seconds=30)


def test_claims_of_one_event_by_eight_senders_succeed_one_at_a_time(recorded: Shop) -> None:
    leave_one_event_due(recorded)
    for _ in range(ROUNDS):
        assert sum(claimed_at_once(lease_at)) == 1
        OrderEvent.objects.filter(state="pending").update(leased_until=None)
    assert OrderEvent.objects.get(state="pending").attempts == ROUNDS


def test_claims_without_a_lock_would_give_one_event_to_all_eight_senders(recorded: Shop) -> None:
    leave_one_event_due(recorded)
    assert sum(claimed_at_once(look_at)) == SENDERS


def test_workers_post_each_of_many_events_once(recorded: Shop) -> None:
    user, product = buyer(recorded.http), ProductFactory(price=1, stock=EVENTS)
    recorded.beat.kill()
    recorded.worker.kill()
    orders = [recorded.http.order(user, {product.pk: 1}).json["id"] for _ in range(EVENTS)]
    OrderEvent.objects.filter(state="pending").update(next_attempt_at="2999-01-01T00:00:00Z")
    recorded.platform.answers = accept_slowly
    second = recorded.another_worker("second")
    try:
        second.start()
        recorded.worker.start()
        execute("UPDATE orders_orderevent SET next_attempt_at = now() WHERE state = 'pending'")
        recorded.beat.start()
        recorded.deliver_all(seconds=30)
    finally:
        second.kill()
    assert {order_id: len(recorded.platform.of_order(order_id)) for order_id in orders} == Counter(orders)
    for worker in (recorded.worker, second):
        assert b"event_delivered" in worker.log.read_bytes()


def test_order_that_commits_after_a_later_one_is_delivered_too(recorded: Shop) -> None:
    slow, quick, product = buyer(recorded.http), buyer(recorded.http), ProductFactory(price=1)
    with ThreadPoolExecutor(1) as pool:
        with commits_held(slow):
            request = pool.submit(recorded.http.order, slow, {product.pk: 1})
            until(lock_waiters)
            other = ProductFactory(price=1)
            later = recorded.http.order(quick, {other.pk: 1}).json
            until(lambda: is_delivered(later))
        earlier = request.result().json
    assert earlier["id"] < later["id"]
    assert earlier["ordered_at"] < later["ordered_at"]
    until(lambda: is_delivered(earlier), seconds=5)


def leave_one_event_due(shop: Shop) -> None:
    """Nobody sends it."""
    user, product = buyer(shop.http), ProductFactory(price=1)
    shop.worker.kill()
    assert shop.http.order(user, {product.pk: 1}).status == 201


def claimed_at_once(claim: Callable[[threading.Barrier], int]) -> list[int]:
    """How many events each of the senders got when all asked at the same moment."""
    together = threading.Barrier(SENDERS)
    return at_once([lambda: claim(together)] * SENDERS)


def lease_at(together: threading.Barrier) -> int:
    """As the worker does it."""
    OrderEvent.objects.exists()  # connects
    together.wait()
    return len(claim(limit=1, lease=LEASE))


def look_at(together: threading.Barrier) -> int:
    """Without a lock."""
    found = OrderEvent.objects.filter(state="pending", leased_until=None).count()
    together.wait()
    return OrderEvent.objects.filter(state="pending").update(leased_until=None) and found


def accept_slowly(body: bytes) -> tuple[int, dict[str, str]]:
    """So slowly that neither worker is done before the other begins: a sweep a second wakes one process."""
    threading.Event().wait(1)
    return accept(body)
