"""What becomes of an event that the platform does not take at once."""

import json
import threading

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests import processes
from tests.platforms import accept, is_delivered
from tests.processes import until


@pytest.mark.parametrize("status", [500, 429, 410, 301, 404])
def test_whatever_the_platform_refuses_comes_again_with_the_same_id_and_bytes(http, buyer, recorded, status):
    refusals = iter([(status, {"Location": recorded.url, "Retry-After": "1"})])
    recorded.answers = lambda _body: next(refusals, (200, {}))
    order = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: is_delivered(order))
    assert len(recorded.attempts) == OrderEvent.objects.get().attempts == 2
    assert len({body for _, body in recorded.attempts}) == 1
    assert {headers["webhook-id"] for headers, _ in recorded.attempts} == {str(OrderEvent.objects.get().pk)}


def test_waits_between_attempts_grow_and_live_in_the_row(http, buyer, recorded):
    recorded.answers = lambda _body: (500, {})
    http.order(buyer, {ProductFactory().pk: 1})
    turns = []
    for attempts in (1, 2, 3):
        tried = OrderEvent.objects.filter(attempts=attempts, leased_until=None)
        turns.append(until(tried.first).next_attempt_at)
    assert OrderEvent.objects.get().last_error == "HTTP 500"
    assert turns[2] - turns[1] > turns[1] - turns[0]


def test_an_event_refused_for_the_last_time_is_dead_until_an_operator_sends_it_again(
    http, buyer, recorded, admin_client
):
    recorded.answers = lambda _body: (500, {})
    order = http.order(buyer, {ProductFactory().pk: 1}).json
    until(lambda: OrderEvent.objects.filter(leased_until=None, attempts=1).update(attempts=24))
    until(lambda: OrderEvent.objects.filter(state="dead").exists())
    recorded.answers = accept
    chosen = {"action": "redeliver", "_selected_action": [OrderEvent.objects.get().pk]}
    admin_client.post("/admin/orders/orderevent/", chosen)
    until(lambda: is_delivered(order))


def test_an_event_that_hangs_keeps_no_other_waiting(http, buyer, recorded):
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


def hang(body: bytes, order_id: int, release: threading.Event) -> tuple[int, dict[str, str]]:
    """Answer one order's event only once released, the others at once."""
    if json.loads(body)["subject"] == str(order_id):
        release.wait(processes.PATIENCE_SECONDS)
    return 200, {}
