"""Which faults come when: all of it follows from the seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

# Each track is a deck of its own, dealt until it is empty and shuffled again: every kind comes, often two
# at once.
# What clients may notice:
FRONT = (
    "web killed",
    "one web process killed",
    "web restarted",
    "redis killed",
    "redis frozen",
    "redis flushed",
    "postgres crashed",
    "postgres frozen",
    "everything killed",
)
# What only the data platform may notice:
BACK = (
    "worker killed",
    "one worker process killed",
    "worker restarted",
    "beat killed",
    "platform killed",
    "platform frozen",
    "platform failing",
    "platform hanging",
    "platform resetting",
)
TRACKS = {"front": FRONT, "back": BACK}
# Shorter ones would leave no time to start again; a run of a minute or more has all kinds.
SHORTEST_SLOT_SECONDS, LONGEST_SLOT_SECONDS = 5, 20
LONGEST_SECONDS = {"postgres frozen": 2.5}
# The traffic goes on for a while after the last fault.
CALM_SHARE = 0.1


@dataclass(frozen=True)
class Fault:
    """What breaks, when (seconds from the start of the traffic), and after how long it is mended."""

    track: str
    kind: str
    at: float
    seconds: float


def schedule(*, seed: int, seconds: float) -> list[Fault]:
    """The faults of a run by their time; every kind occurs in a run of a minute or more."""
    faults = [fault for track in TRACKS for fault in _track(track, seed, seconds * (1 - CALM_SHARE))]
    return sorted(faults, key=lambda fault: fault.at)


def _track(track: str, seed: int, seconds: float) -> Iterator[Fault]:
    chance, kinds = Random(f"{seed} {track}"), TRACKS[track]
    slot = min(max(seconds / len(kinds), SHORTEST_SLOT_SECONDS), LONGEST_SLOT_SECONDS)
    deck = _deal(kinds, chance)
    for number in range(int(seconds / slot + 1e-9)):
        kind = next(deck)
        lasts = min(slot * chance.uniform(0.2, 0.5), LONGEST_SECONDS.get(kind, slot))
        yield Fault(track, kind, round(slot * (number + chance.uniform(0, 0.3)), 3), round(lasts, 3))


def _deal(kinds: tuple[str, ...], chance: Random) -> Iterator[str]:
    while True:
        yield from chance.sample(kinds, len(kinds))
