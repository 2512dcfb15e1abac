"""What wakes the worker, and what it does without a platform."""

import pytest

from orders.models import OrderEvent
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.platforms import delivering_to, dripping, is_delivered, recorder
from tests.kit.processes import until

pytestmark = pytest.mark.redis


def test_wakeup_delivers_without_any_sweep(http, buyer, logs):
    with recorder() as platform, delivering_to(platform.url, logs, beat=False):
        order = http.order(buyer, {ProductFactory().pk: 1}).json
        until(lambda: is_delivered(order))


def test_wakeups_of_a_burst_of_orders_need_no_sweep(http, buyer, logs):
    product = ProductFactory(price=1, stock=100)
    with recorder() as platform, delivering_to(platform.url, logs, beat=False):
        orders = [http.order(buyer, {product.pk: 1}).json for _ in range(40)]
        until(lambda: all(map(is_delivered, orders)))
    assert [len(platform.of_order(order["id"])) for order in orders] == [1] * 40


def test_events_wait_while_no_platform_is_configured(http, buyer, logs):
    with processes.worker(log=logs / "worker.log", beat=False):
        order = http.order(buyer, {ProductFactory().pk: 1}).json
        until(lambda: b"no_platform_configured" in (logs / "worker.log").read_bytes())
    assert OrderEvent.objects.get(order_id=order["id"]).attempts == 0


def test_unreachable_platform_is_tried_again(http, buyer, logs):
    with delivering_to(f"http://127.0.0.1:{processes.free_port()}/events", logs, beat=False):
        http.order(buyer, {ProductFactory().pk: 1})
        until(lambda: "refused" in OrderEvent.objects.get().last_error)
    assert OrderEvent.objects.get().state == "pending"


def test_answer_that_drips_is_cut_and_retried(http, buyer, logs):
    with dripping() as url, delivering_to(url, logs, beat=False):
        http.order(buyer, {ProductFactory().pk: 1})
        until(lambda: OrderEvent.objects.filter(attempts=1, leased_until=None).exists())
    event = OrderEvent.objects.get()
    assert event.state == "pending"
    assert event.last_error
