"""What web does with a server that is no primary, and with a primary that has no standby."""

from collections.abc import Iterator

import pytest

from tests.ha.case import under_load
from tests.kit.client import Client
from tests.kit.ha.postgres import TTL
from tests.kit.ha.topology import Topology, database_url
from tests.kit.journal import Request
from tests.kit.processes import until
from tests.kit.shop import Part

PORT = 8100
WITHOUT_STANDBYS_SECONDS = 15
# wal_sender_timeout, and Patroni's next round.
REPLACED_SECONDS = 10


@pytest.fixture
def group_at_standby(topology: Topology) -> Iterator[Part]:
    """A web group whose DATABASE_URL is the address of one standby, also once that is promoted."""
    standby = topology.cluster.synchronous_standby()
    web = topology.web(
        topology.apps[0],
        "web-at-standby",
        port=PORT,
        DATABASE_URL=database_url(standby.name),
        ALLOWED_HOSTS=topology.apps[0].address,
    )
    web.start()
    yield web
    web.kill()


@pytest.mark.smoke
def test_web_at_a_standby_reads_and_writes_once_that_is_promoted(
    topology: Topology, group_at_standby: Part
) -> None:
    http = Client(f"http://{topology.apps[0].address}:{PORT}", timeout=10)
    with under_load(topology, "web at a standby, then promoted") as case:
        case.break_now()
        user, product = case.market.members[0], case.market.hot[0]
        until(lambda: http.get(f"products/{product}").status == 200)
        items = [{"product_id": product, "quantity": 1}]
        order = Request("order", "orders", user, {"items": items}, "at-the-standby")
        refused = case.journal.ask(http, order, client="at-the-standby")
        assert (refused.status, refused.code) == (503, "unavailable")
        assert http.get("/readyz").status == 503
        topology.cluster.switch_over()
        until(lambda: http.get("/readyz").status == 200)
        assert case.journal.ask(http, order, client="at-the-standby").status == 201
        assert group_at_standby.running
        assert group_at_standby.running.poll() is None
    assert case.wrong == []
    assert case.outage < TTL + 5


def test_primary_without_standbys_acknowledges_nothing_and_answers_in_time(topology: Topology) -> None:
    with under_load(topology, "both standbys gone") as case:
        case.break_now()
        standbys = topology.cluster.standbys()
        for each in standbys:
            topology.cluster.kill_postgres(each)
        gone = case.journal.now()
        until(lambda: case.journal.now() > gone + WITHOUT_STANDBYS_SECONDS, seconds=60)
        acknowledged = [each for each in case.written if each.at > gone]
        reads = [each for each in case.reads if each.at > gone]
        for each in standbys:
            topology.cluster.restart(each)
        case.wait_for_writes(seconds=60)
    assert acknowledged == []
    assert reads
    assert case.wrong == []
    assert case.pids == topology.processes()


def test_standby_s_machine_lost_with_etcd_s_leader_leaves_the_primary_in_its_role(topology: Topology) -> None:
    with under_load(topology, "standby's machine lost, etcd's leader with it") as case:
        case.break_now()
        primary, lost = topology.cluster.primary(), topology.cluster.synchronous_standby()
        topology.cluster.lead_etcd(lost)
        lost.pull_cable()
        lost.kill()
        case.wait_for_writes(seconds=TTL + 5)
        assert topology.cluster.primary() is primary
    assert case.wrong == []
    assert case.outage < REPLACED_SECONDS
    assert case.pids == topology.processes()
