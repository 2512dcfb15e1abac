"""The machine of Valkey's master dies: Sentinel makes another one the master, and nobody is told."""

from tests.ha.case import under_load
from tests.kit.ha.topology import Topology
from tests.kit.processes import until

FAILOVER_SECONDS = 15


def test_valkey_s_master_killed_fails_no_request_and_events_go_on(topology: Topology) -> None:
    redises = topology.redises
    with under_load(topology, "Valkey's master killed") as case:
        case.break_now()
        old = redises.master()
        assert old
        old.kill([old.running["valkey"].pid])
        until(lambda: redises.master() not in (None, old), seconds=FAILOVER_SECONDS)
        case.wait_for_writes(seconds=10)
    assert case.wrong == []
    assert case.answers["503"] == 0
    assert case.pids == topology.processes()
