"""Processes of the shop are restarted, or run twice, while clients shop."""

from tests.ha.case import under_load
from tests.ha.topology import Topology


def test_rolling_restart_of_web_and_worker_fails_no_request(topology: Topology) -> None:
    with under_load(topology, "rolling restart of web and worker") as case:
        case.break_now()
        for number in (1, 2):
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
