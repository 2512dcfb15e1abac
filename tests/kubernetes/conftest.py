"""What deploy/kubernetes describes, running outside containers on one PostgreSQL without standbys.

`pytest` leaves this folder out; `make test-kubernetes` runs it.
"""

from collections.abc import Iterator

import pytest

from tests.kit.compose import GIVEN
from tests.kit.machine import opened
from tests.kit.machine_servers import Servers
from tests.kit.plain_sql import GatewayClient, seed
from tests.kit.platforms import Recorder, recorder
from tests.kit.processes import open_folder
from tests.kubernetes.node import Node, bootstrap


@pytest.fixture(scope="session")
def platform() -> Iterator[Recorder]:
    """The data platform."""
    with recorder() as running:
        yield running


@pytest.fixture(scope="session")
def node(platform: Recorder) -> Iterator[Node]:
    """Everything that `kubectl apply` starts, in the order that the manifests see to."""
    with (
        open_folder("kubernetes") as folder,
        opened(Node(folder, {"DATA_PLATFORM_URL": platform.url})) as running,
    ):
        servers = Servers(running)
        servers.start_postgres()
        bootstrap(servers)
        for each in ("broker", "cache"):
            servers.start_redis(each)
        waiting = [f"{each}-wait-for-migrate" for each in ("web", "worker")]
        for each in waiting:
            assert running.run(each, "python", "manage.py", "migrate", "--check").returncode == 1
            running.start(each)
        migrated = running.run("migrate")
        assert migrated.returncode == 0, migrated.stderr
        for each in waiting:
            assert running.running[each].wait(30) == 0, running.log(each).read_text()
        for each in ("web", "worker", "beat"):
            running.start(each)
        seed(servers)
        for each in ("web", "worker", "beat"):
            running.wait_until_healthy(each)
        yield running


@pytest.fixture(scope="session")
def servers(node: Node) -> Servers:
    """PostgreSQL and Valkey."""
    return Servers(node)


@pytest.fixture(scope="session")
def http(node: Node) -> GatewayClient:
    """What the gateway sends on."""
    return GatewayClient(f"http://127.0.0.1:{node.port('web')}", GIVEN["GATEWAY_SECRET"])
