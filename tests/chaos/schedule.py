"""The schedule of faults, which follows from the seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

# Faults that only the data platform may notice, in every topology.
_BEHIND = (
    "worker killed",
    "beat killed",
    "platform killed",
    "platform frozen",
    "platform failing",
    "platform hanging",
    "platform resetting",
)


@dataclass(frozen=True)
class Plan:
    """The kinds of faults, and the seconds from one to the next.

    Each track is a deck of its own, dealt until it is empty and shuffled again: every kind comes, often
    two at once. `longest` bounds single kinds.
    """

    front: tuple[str, ...]  # what clients may notice
    back: tuple[str, ...]
    shortest_slot: float
    longest_slot: float
    longest: Mapping[str, float] = field(default_factory=dict)

    @property
    def tracks(self) -> dict[str, tuple[str, ...]]:
        return {"front": self.front, "back": self.back}


# Shorter slots would leave no time to start again; a run of a minute or more has all kinds.
ONE_MACHINE = Plan(
    front=(
        "web killed",
        "one web process killed",
        "web restarted",
        "redis killed",
        "redis frozen",
        "redis flushed",
        "postgres crashed",
        "postgres frozen",
        "everything killed",
    ),
    back=("one worker process killed", "worker restarted", *_BEHIND),
    shortest_slot=5,
    longest_slot=20,
    longest={"postgres frozen": 2.5},
)
# A standby takes over after some 20 s, and then the former primary may have to be copied. In twelve minutes
# all kinds come.
SEVERAL_MACHINES = Plan(
    front=(
        "postgres primary killed",
        "postgres primary partitioned",
        "postgres primary switched",
        "postgres patroni killed",
        "postgres machine killed",
        "postgres machine unplugged",
        "postgres standby killed",
        "redis master killed",
        "web group killed",
        "web machine killed",
        "each web restarted",
    ),
    back=_BEHIND,
    shortest_slot=55,
    longest_slot=60,
)
# The traffic goes on for a while after the last fault.
CALM_SHARE = 0.1


@dataclass(frozen=True)
class Fault:
    """A planned fault: its kind, its start in seconds from the start of the traffic, and its length."""

    track: str
    kind: str
    at: float
    seconds: float


def schedule(*, plan: Plan, seed: int, seconds: float) -> list[Fault]:
    """The faults of a run by their time."""
    faults = [
        fault for track in plan.tracks for fault in _track(plan, track, seed, seconds * (1 - CALM_SHARE))
    ]
    return sorted(faults, key=lambda fault: fault.at)


def _track(plan: Plan, track: str, seed: int, seconds: float) -> Iterator[Fault]:
    chance, kinds = Random(f"{seed} {track}"), plan.tracks[track]
    slot = min(max(seconds / len(kinds), plan.shortest_slot), plan.longest_slot)
    deck = _deal(kinds, chance)
    for number in range(int(seconds / slot + 1e-9)):
        kind = next(deck)
        lasts = min(slot * chance.uniform(0.2, 0.5), plan.longest.get(kind, slot))
        yield Fault(track, kind, round(slot * (number + chance.uniform(0, 0.3)), 3), round(lasts, 3))


def _deal(kinds: tuple[str, ...], chance: Random) -> Iterator[str]:
    while True:
        yield from chance.sample(kinds, len(kinds))
