"""The production stack, running outside containers.

`pytest` leaves this folder out; `make test-stack` runs it.
"""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.kit.compose import GIVEN
from tests.kit.machine import Machine, machine
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, seed
from tests.kit.platforms import Recorder, recorder
from tests.kit.processes import open_folder


@pytest.fixture(scope="session")
def platform() -> Iterator[Recorder]:
    """The data platform."""
    with recorder() as running:
        yield running


@pytest.fixture(scope="session")
def stack(platform: Recorder) -> Iterator[Machine]:
    """Everything that `docker compose up` starts."""
    with (
        open_folder("stack") as folder,
        machine(folder, DATA_PLATFORM_URL=platform.url, WEB_CONCURRENCY="2") as running,
    ):
        servers = Servers(running)
        servers.start_postgres()
        for redis in ("redis-broker", "redis-cache"):
            servers.start_redis(redis)
        migrated = running.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for each in ("web", "worker", "beat"):
            running.start(each)
        seed(servers)
        for each in ("web", "worker", "beat"):
            running.wait_until_healthy(each)
        yield running


@pytest.fixture(scope="session")
def servers(stack: Machine) -> Servers:
    """The stack's PostgreSQL and Redis."""
    return Servers(stack)


@pytest.fixture(scope="session")
def http(stack: Machine) -> GatewayClient:
    """What the gateway sends on."""
    return GatewayClient(f"http://127.0.0.1:{stack.port('web')}", GIVEN["GATEWAY_SECRET"])


@pytest.fixture(scope="session")
def audit(stack: Machine):
    """Ask the shop's own audit; fails unless everything adds up."""

    def ask() -> None:
        done: subprocess.CompletedProcess[str] = stack.run("worker", "python", "manage.py", "audit", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert any(rule["checked"] for rule in json.loads(done.stdout))

    return ask
