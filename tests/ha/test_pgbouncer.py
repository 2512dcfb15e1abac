"""A pgbouncer on each app machine, between web and the balancer."""

from collections.abc import Iterator

import pytest

from tests.ha.case import under_load
from tests.kit.database import execute
from tests.kit.ha.topology import Topology, database_url

SWITCHOVER_SECONDS = 6
# What web processes ask for when they connect is dropped there: docs/operations.md, Behind pgbouncer.
BOUNDS = {
    "lock_timeout": "3s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "client_connection_check_interval": "10ms",
}


@pytest.fixture
def pooled(topology: Topology) -> Iterator[None]:
    """Both web groups ask their own pgbouncer; its version may be too old for prepared statements."""
    for name, value in BOUNDS.items():
        execute(f"ALTER ROLE pointshop SET {name} = '{value}'")
    url = f"{database_url('localhost', port=6432)}?DISABLE_SERVER_SIDE_CURSORS=True"
    direct = dict(topology.parts)
    for number, machine in enumerate(topology.apps, start=1):
        topology.start_pgbouncer(machine)
        direct[f"web{number}"].stop()
        web = topology.web(machine, f"web{number}-pooled", DATABASE_URL=url, PREPARED_STATEMENTS="0")
        topology.parts[f"web{number}"] = web
        web.start()
    yield
    for number, machine in enumerate(topology.apps, start=1):
        topology.parts[f"web{number}"].stop()
        topology.parts[f"web{number}"] = direct[f"web{number}"]
        topology.parts[f"web{number}"].start()
        machine.stop("pgbouncer")
    execute("ALTER ROLE pointshop RESET ALL")


@pytest.mark.usefixtures("pooled")
def test_switchover_behind_pgbouncer_loses_nothing_and_takes_seconds(topology: Topology) -> None:
    with under_load(topology, "switchover behind pgbouncer") as case:
        case.break_now()
        topology.cluster.switch_over()
        case.wait_for_writes(seconds=30)
    assert case.wrong == []
    assert case.outage < SWITCHOVER_SECONDS
    assert case.pids == topology.processes()
