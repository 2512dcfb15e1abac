"""The primary is lost in several ways while clients shop; nothing acknowledged is, and service comes back."""

import pytest

from tests.ha.case import under_load
from tests.kit.ha.network import apart
from tests.kit.ha.postgres import TTL
from tests.kit.ha.topology import Topology, database_url

FAILOVER_SECONDS = TTL + 5
# etcd's next leader starts every lease again: an election, of which one in ten ties, comes before the `ttl`.
FAILOVER_WITH_ETCD_SECONDS = FAILOVER_SECONDS + 2
SWITCHOVER_SECONDS = 6
PARTITION_SECONDS = 40


@pytest.mark.smoke
def test_primary_killed_loses_nothing_and_a_standby_takes_over(topology: Topology) -> None:
    with under_load(topology, "primary killed") as case:
        case.break_now()
        old = topology.cluster.primary()
        topology.cluster.kill_postgres(old)
        topology.cluster.wait_for_successor(old, seconds=2 * FAILOVER_SECONDS)
        case.wait_for_writes(seconds=FAILOVER_SECONDS)
    assert case.wrong == []
    assert case.outage < FAILOVER_SECONDS
    assert case.pids == topology.processes()


@pytest.mark.smoke
def test_switchover_loses_nothing_and_takes_seconds(topology: Topology) -> None:
    with under_load(topology, "switchover") as case:
        case.break_now()
        new = topology.cluster.switch_over()
        case.wait_for_writes(seconds=FAILOVER_SECONDS)
        assert topology.cluster.primary() is new
    assert case.wrong == []
    assert case.outage < SWITCHOVER_SECONDS
    assert case.pids == topology.processes()


def test_primary_s_machine_lost_with_etcd_s_leader_on_it_loses_nothing(topology: Topology) -> None:
    with under_load(topology, "primary's machine lost, etcd's leader with it") as case:
        case.break_now()
        old = topology.cluster.primary()
        topology.cluster.lead_etcd(old)
        old.pull_cable()
        old.kill()
        topology.cluster.wait_for_successor(old, seconds=2 * FAILOVER_SECONDS)
        case.wait_for_writes(seconds=FAILOVER_SECONDS)
    assert case.wrong == []
    assert case.outage < FAILOVER_WITH_ETCD_SECONDS
    assert case.pids == topology.processes()


def test_primary_cut_off_while_clients_reach_it_loses_nothing(topology: Topology) -> None:
    with under_load(topology, "primary cut off") as case:
        case.break_now()
        old, others = topology.cluster.primary(), topology.cluster.standbys()
        with apart(old, *others):
            topology.cluster.wait_for_successor(old, seconds=2 * PARTITION_SECONDS)
            case.wait_for_writes(seconds=PARTITION_SECONDS)
    assert case.wrong == []
    assert case.outage < PARTITION_SECONDS
    assert case.pids == topology.processes()


def test_primary_cut_off_would_lose_writes_with_asynchronous_replication(topology: Topology) -> None:
    """The negative control: the same, without what the promise rests on."""
    topology.cluster.replicate_synchronously(on=False)
    try:
        with under_load(topology, "primary cut off, asynchronous (control)") as case:
            case.break_now()
            old, others = topology.cluster.primary(), topology.cluster.standbys()
            with apart(old, *others):
                topology.cluster.wait_for_successor(old, seconds=2 * PARTITION_SECONDS)
                case.wait_for_writes(seconds=PARTITION_SECONDS)
        assert case.lost
    finally:
        topology.cluster.replicate_synchronously(on=True)


def test_primary_s_cable_pulled_loses_nothing_and_it_follows_once_it_is_back(topology: Topology) -> None:
    with under_load(topology, "primary's cable pulled and back") as case:
        case.break_now()
        old = topology.cluster.primary()
        topology.cluster.lead_etcd(topology.cluster.standbys()[0])
        old.pull_cable()
        topology.cluster.wait_for_successor(old, seconds=2 * FAILOVER_SECONDS)
        case.wait_for_writes(seconds=FAILOVER_SECONDS)
        old.plug_cable()
        topology.cluster.wait_until_whole()
    assert case.wrong == []
    assert case.outage < FAILOVER_SECONDS
    assert case.pids == topology.processes()


def test_patroni_dead_with_postgresql_alive_loses_nothing(topology: Topology) -> None:
    """The old primary goes on, but no standby confirms its commits; the balancer leads to the new one."""
    with under_load(topology, "Patroni dead, PostgreSQL alive") as case:
        case.break_now()
        old = topology.cluster.primary()
        topology.cluster.kill_patroni(old)
        topology.cluster.wait_for_successor(old, seconds=2 * FAILOVER_SECONDS)
        case.wait_for_writes(seconds=FAILOVER_SECONDS)
    assert case.wrong == []
    assert case.outage < FAILOVER_SECONDS
    assert case.pids == topology.processes()


@pytest.mark.parametrize("how", ["killed", "unplugged"])
def test_several_hosts_in_database_url_lead_web_and_worker_to_the_new_primary(
    topology: Topology, how: str
) -> None:
    """Without a balancer. A primary that Patroni has lost hold of takes the watchdog: docs/ha.md."""
    hosts = database_url(*(each.name for each in topology.databases))
    with (
        topology.told(DATABASE_URL=hosts),
        under_load(topology, f"several hosts in DATABASE_URL, primary {how}") as case,
    ):
        case.break_now()
        old = topology.cluster.primary()
        if how == "killed":
            topology.cluster.kill_postgres(old)
        else:
            topology.cluster.lead_etcd(topology.cluster.standbys()[0])
            old.pull_cable()
        topology.cluster.wait_for_successor(old, seconds=2 * FAILOVER_SECONDS)
        case.wait_for_writes(seconds=PARTITION_SECONDS)
        case.wait_for_event(seconds=PARTITION_SECONDS)
        old.plug_cable()
        assert case.pids == topology.processes()
    assert case.wrong == []
    assert case.outage < FAILOVER_SECONDS
