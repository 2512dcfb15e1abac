"""`docker compose stop`: every service ends on SIGTERM within its grace period."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import urllib3

from tests.kit.machine import Machine
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, delivery_of, order_being_sent
from tests.kit.platforms import Recorder, accept
from tests.kit.processes import until


@pytest.fixture(autouse=True)
def as_before(stack: Machine, http: GatewayClient) -> Iterator[None]:
    """Afterwards what was stopped runs again and is healthy."""
    yield
    until(lambda: is_ready(http))
    for name in ("worker", "beat"):
        stack.wait_until_healthy(name)


def is_ready(http: GatewayClient) -> bool:
    try:
        return bool(http.get("/readyz").json["status"] == "ok")
    except urllib3.exceptions.HTTPError:
        return False


def test_worker_told_to_stop_finishes_what_it_is_sending(
    stack: Machine, http: GatewayClient, platform: Recorder, servers: Servers
):
    """The platform holds the post until after the signal."""
    order_id = order_being_sent(http, platform)
    with stack.stopped("worker"):
        platform.answers = accept
        assert delivery_of(servers, order_id) == "delivered|1"


def test_services_end_within_their_grace(stack: Machine):
    """In the order of compose: a service stops before what it depends on, and starts after it."""
    with ExitStack() as stopped:
        for name in ("beat", "worker", "web", "redis-cache", "redis-broker", "postgres"):
            seconds = stopped.enter_context(stack.stopped(name))
            assert seconds < stack.service(name).stop_grace_seconds, name
            assert stack.running[name].returncode == 0, name
