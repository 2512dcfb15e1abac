"""A run can be repeated from its seed, and misses no kind of fault."""

from itertools import pairwise

import pytest

from tests.chaos.faults import BREAK
from tests.chaos.picture import color_of, lanes_of
from tests.chaos.schedule import BACK, FRONT, Fault, schedule

EVERY = {*FRONT, *BACK}


def test_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert schedule(seed=1, seconds=600) == schedule(seed=1, seconds=600)
    assert schedule(seed=1, seconds=600) != schedule(seed=2, seconds=600)


@pytest.mark.parametrize("seconds", [60, 90, 300, 600])
def test_schedule_has_every_kind_of_fault(seconds: int) -> None:
    for seed in range(50):
        faults = schedule(seed=seed, seconds=seconds)
        assert {fault.kind for fault in faults} == EVERY
        assert all(fault.at >= 0 and fault.at + fault.seconds <= seconds for fault in faults)


def test_short_schedule_has_some_faults() -> None:
    assert 1 <= len(schedule(seed=1, seconds=20)) < len(EVERY)


def test_track_ends_a_fault_before_the_next_begins() -> None:
    for track in ("front", "back"):
        faults = [fault for fault in schedule(seed=1, seconds=600) if fault.track == track]
        assert all(not overlapping(one, next_one) for one, next_one in pairwise(faults))


@pytest.mark.parametrize("seconds", [60, 600])
def test_schedule_sometimes_breaks_two_things_at_once(seconds: int) -> None:
    for seed in range(50):
        faults = schedule(seed=seed, seconds=seconds)
        front, back = ([fault for fault in faults if fault.track == track] for track in ("front", "back"))
        assert any(overlapping(one, other) for one in front for other in back)


def test_database_is_never_frozen_for_three_seconds() -> None:
    frozen = [fault for fault in schedule(seed=1, seconds=6000) if fault.kind == "postgres frozen"]
    assert frozen
    assert all(fault.seconds < 3 for fault in frozen)


def test_fault_of_every_kind_can_be_caused_and_drawn() -> None:
    assert set(BREAK) == EVERY
    assert all(lanes_of(kind) and color_of(kind) for kind in EVERY)


def overlapping(one: Fault, other: Fault) -> bool:
    return one.at < other.at + other.seconds and other.at < one.at + one.seconds
