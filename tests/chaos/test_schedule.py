"""A run can be repeated from its seed, and misses no kind of fault."""

from itertools import pairwise

import pytest

from tests.chaos.one_machine import OneMachine
from tests.chaos.picture import color_of, lanes_of
from tests.chaos.schedule import ONE_MACHINE, SEVERAL_MACHINES, Fault, Plan, schedule
from tests.chaos.several_machines import SeveralMachines


def kinds(plan: Plan) -> set[str]:
    return {*plan.front, *plan.back}


PLANS = pytest.mark.parametrize(
    ("plan", "seconds"),
    [
        *((ONE_MACHINE, seconds) for seconds in (60, 90, 300, 600)),
        (SEVERAL_MACHINES, 720),
        (SEVERAL_MACHINES, 1800),
    ],
)


@PLANS
def test_same_seed_gives_the_same_faults_and_another_seed_others(plan: Plan, seconds: int) -> None:
    first = schedule(plan=plan, seed=1, seconds=seconds)
    assert schedule(plan=plan, seed=1, seconds=seconds) == first
    assert schedule(plan=plan, seed=2, seconds=seconds) != first


@PLANS
def test_schedule_has_every_kind_of_fault(plan: Plan, seconds: int) -> None:
    for seed in range(50):
        faults = schedule(plan=plan, seed=seed, seconds=seconds)
        assert {fault.kind for fault in faults} == kinds(plan)
        assert all(fault.at >= 0 and fault.at + fault.seconds <= seconds for fault in faults)


def test_short_schedule_has_some_faults() -> None:
    assert 1 <= len(schedule(plan=ONE_MACHINE, seed=1, seconds=20)) < len(kinds(ONE_MACHINE))


@PLANS
def test_track_ends_a_fault_before_the_next_begins(plan: Plan, seconds: int) -> None:
    for track in plan.tracks:
        faults = [fault for fault in schedule(plan=plan, seed=1, seconds=seconds) if fault.track == track]
        assert all(not overlapping(one, next_one) for one, next_one in pairwise(faults))


@PLANS
def test_schedule_sometimes_breaks_two_things_at_once(plan: Plan, seconds: int) -> None:
    for seed in range(50):
        faults = schedule(plan=plan, seed=seed, seconds=seconds)
        front, back = ([fault for fault in faults if fault.track == track] for track in plan.tracks)
        assert any(overlapping(one, other) for one in front for other in back)


def test_database_is_never_frozen_for_three_seconds() -> None:
    faults = schedule(plan=ONE_MACHINE, seed=1, seconds=6000)
    frozen = [fault for fault in faults if fault.kind == "postgres frozen"]
    assert frozen
    assert all(fault.seconds < 3 for fault in frozen)


@pytest.mark.parametrize("stage", [OneMachine, SeveralMachines])
def test_fault_of_every_kind_can_be_caused_and_drawn(stage: type[OneMachine | SeveralMachines]) -> None:
    assert set(stage.breaks) == kinds(stage.plan)
    assert all(lanes_of(kind) and color_of(kind) for kind in stage.breaks)


def overlapping(one: Fault, other: Fault) -> bool:
    return one.at < other.at + other.seconds and other.at < one.at + one.seconds
