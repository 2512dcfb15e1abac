"""What becomes of an event that the platform does not take at once."""

import json
import threading

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.database import execute, held
from tests.kit.platforms import accept, is_delivered
from tests.kit.processes import until


@pytest.mark.parametrize("status", [500, 429, 410, 301, 404])
def test_refused_event_comes_again_with_the_same_id_and_bytes(http, buyer, recorded, status):
    refusals = iter([(status, {"Location": recorded.url, "Retry-After": "1"})])
    recorded.answers = lambda _body: next(refusals, (200, {}))
    order = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: is_delivered(order))
    assert len(recorded.attempts) == OrderEvent.objects.get().attempts == 2
    assert len({body for _, body in recorded.attempts}) == 1
    assert {headers["webhook-id"] for headers, _ in recorded.attempts} == {str(OrderEvent.objects.get().pk)}


def test_waits_between_attempts_grow_and_are_stored_in_the_row(http, buyer, recorded):
    recorded.answers = lambda _body: (500, {})
    http.order(buyer, {ProductFactory().pk: 1})
    turns = []
    for attempts in (1, 2, 3):
        tried = OrderEvent.objects.filter(attempts=attempts, leased_until=None)
        turns.append(until(tried.first).next_attempt_at)
    assert OrderEvent.objects.get().last_error == "HTTP 500"
    assert turns[2] - turns[1] > turns[1] - turns[0]


@pytest.mark.parametrize(
    ("asked", "at_least", "at_most"), [({"Retry-After": "3600"}, 3500, 3600), ({}, 0, 2)]
)
def test_wait_that_the_platform_asks_for_is_kept_in_the_row(http, buyer, recorded, asked, at_least, at_most):
    recorded.answers = lambda _body: (429, asked)
    http.order(buyer, {ProductFactory().pk: 1})
    until(lambda: OrderEvent.objects.filter(attempts=1, leased_until=None).exists())
    ((seconds,),) = execute("SELECT extract(epoch FROM next_attempt_at - now())::int FROM orders_orderevent")
    assert at_least <= seconds <= at_most


def test_event_is_not_sent_before_its_turn(http, buyer, recorded):
    recorded.answers = lambda _body: (429, {"Retry-After": "3600"})
    waiting = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: OrderEvent.objects.filter(attempts=1, leased_until=None).exists())
    recorded.answers = accept
    other = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: is_delivered(other))
    assert len(recorded.of_order(waiting["id"])) == 1


def test_event_refused_for_the_last_time_is_dead_until_redelivered(http, buyer, recorded, admin_client):
    recorded.answers = lambda _body: (500, {})
    order = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: OrderEvent.objects.filter(leased_until=None, attempts=1).update(attempts=24))
    until(lambda: OrderEvent.objects.filter(state="dead").exists())
    recorded.answers = accept
    chosen = {"action": "redeliver", "_selected_action": [OrderEvent.objects.get().pk]}
    admin_client.post("/admin/orders/orderevent/", chosen)
    until(lambda: is_delivered(order))


def test_event_whose_post_hangs_delays_no_other(http, buyer, recorded):
    slow = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: is_delivered(slow))
    OrderEvent.objects.all().redeliver()
    release = threading.Event()
    recorded.answers = lambda body: hang(body, slow["id"], release)
    until(lambda: len(recorded.of_order(slow["id"])) == 2)
    other = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: is_delivered(other))
    assert not is_delivered(slow)
    release.set()
    until(lambda: is_delivered(slow))


def test_event_locked_by_another_claim_delays_no_other(http, buyer, recorded):
    recorded.answers, product = lambda _body: (429, {"Retry-After": "3600"}), ProductFactory()
    claimed = http.order(buyer, {product.pk: 1}).json
    until(lambda: OrderEvent.objects.filter(attempts=1, leased_until=None).exists())
    recorded.answers = accept
    execute("UPDATE orders_orderevent SET next_attempt_at = now() + interval '1 second'")
    with held("orders_orderevent", "order_id", claimed["id"]):
        until(lambda: execute("SELECT 1 FROM orders_orderevent WHERE next_attempt_at < clock_timestamp()"))
        other = http.order(buyer, {product.pk: 1}).json
        until(lambda: is_delivered(other))
        assert not is_delivered(claimed)
    until(lambda: is_delivered(claimed))


def hang(body: bytes, order_id: int, release: threading.Event) -> tuple[int, dict[str, str]]:
    """Answer one order's event only once released, the others at once."""
    if json.loads(body)["subject"] == str(order_id):
        release.wait(processes.PATIENCE_SECONDS)
    return 200, {}
