"""Processes of the shop are restarted, run twice, or vanish with their machine, while clients shop."""

from tests.ha.case import CLIENTS, LONGEST_ANSWER_SECONDS, under_load
from tests.kit.ha.topology import Topology


def test_rolling_restart_of_web_and_worker_fails_no_request(topology: Topology) -> None:
    with under_load(topology, "rolling restart of web and worker") as case:
        case.break_now()
        for number in (1, 2):
            with topology.haproxy.taken_out(f"app{number}"):
                for name in (f"web{number}", f"worker{number}"):
                    topology.parts[name].stop()
                    topology.parts[name].start()
            case.wait_for_writes(seconds=10)
    assert case.wrong == []
    assert case.answers["503"] == 0


def test_two_beats_send_each_event_once(topology: Topology) -> None:
    second = topology.beat(topology.apps[1], "second-beat")
    second.start()
    try:
        with under_load(topology, "two beats") as case:
            case.break_now()
            case.wait_for_writes(seconds=30, count=200)
        assert case.wrong == []
        assert case.answers["503"] == 0
        assert case.sent_again == 0
    finally:
        second.kill()


def test_loss_of_a_web_and_worker_machine_breaks_only_its_own_requests(topology: Topology) -> None:
    """HAProxy closes those connections; the gateway, in whose place these clients are, answers 503 then."""
    with under_load(topology, "a machine of web and worker lost") as case:
        case.may_break = True
        case.break_now()
        stays = set(topology.apps[0].pids())
        topology.apps[1].pull_cable()
        for name in ("web2", "worker2"):
            topology.parts[name].kill()
        case.wait_for_writes(seconds=30, count=50)
    assert case.wrong == []
    assert case.answers["unanswered"] <= CLIENTS
    assert case.outage < LONGEST_ANSWER_SECONDS
    assert stays == set(topology.apps[0].pids())
