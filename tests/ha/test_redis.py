"""Valkey's master dies and Sentinel promotes another; the shop's settings stay as they are."""

import pytest

from tests.ha.case import under_load
from tests.kit.ha.redis_sentinel import PASSWORD
from tests.kit.ha.topology import Topology
from tests.kit.processes import until

FAILOVER_SECONDS = 15


@pytest.mark.parametrize(
    ("way", "env"),
    [("Sentinel", {}), ("HAProxy", {"REDIS_URL": f"redis://:{PASSWORD}@balancer:6379/0"})],
)
def test_valkey_s_master_killed_fails_no_request_and_events_go_on(
    topology: Topology, way: str, env: dict[str, str]
) -> None:
    redises = topology.redises
    with topology.told(**env), under_load(topology, f"Valkey's master killed, found by {way}") as case:
        case.break_now()
        old = redises.master()
        assert old
        old.kill([old.running["valkey"].pid])
        until(lambda: redises.master() not in (None, old), seconds=FAILOVER_SECONDS)
        case.wait_for_event(seconds=10)
        assert case.pids == topology.processes()
    assert case.wrong == []
    assert case.answers["503"] == 0
