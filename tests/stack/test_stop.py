"""`docker compose down`: everything ends by itself, within its grace. Last, as nothing runs afterwards."""

import threading

import pytest

from tests.kit.platforms import Recorder, accept
from tests.stack.machine import Machine, Servers
from tests.stack.shop import GatewayClient, sql


def test_worker_told_to_stop_finishes_what_it_is_sending(
    stack: Machine, http: GatewayClient, platform: Recorder, servers: Servers
):
    """The platform holds the post until after the signal."""
    told, arrived = threading.Event(), threading.Event()

    def wait(body: bytes):
        arrived.set()
        told.wait(10)
        return accept(body)

    http.charge(2, 10_000)
    platform.answers = wait
    order = http.order(2, {1: 1}).json
    assert arrived.wait(10)
    threading.Timer(0.5, told.set).start()
    stack.stop("worker")
    platform.answers = accept
    sent = f"SELECT state, attempts FROM orders_orderevent WHERE order_id = {order['id']}"
    assert sql(servers, sent) == "delivered|1"


@pytest.mark.parametrize("name", ["beat", "web", "redis-cache", "redis-broker", "postgres"])
def test_services_end_within_their_grace(stack: Machine, name):
    assert stack.stop(name) < stack.service(name).stop_grace_seconds
    assert stack.running[name].returncode == 0
