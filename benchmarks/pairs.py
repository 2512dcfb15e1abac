"""Two shops compared: what one did a second and what it cost, beside the other a moment earlier."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.clients import Measured
from benchmarks.scenarios import CREATED, SCENARIOS, Scenario

# Whose processor time counts: the shop's own, neither the clients' nor the platform's.
GROUPS = ("web", "worker", "beat", "postgres", "redis")
CHARGES_ONE = "charges-one"
# A pace that any revision keeps up with: what an event costs depends on how many come at once.
PACE = 100
DELIVERIES = Scenario(
    "deliveries",
    f"event delivered, {PACE}/s (worker alone)",
    32,
    CREATED,
    delivered=True,
    sends="orders",
    rate=PACE,
    counted=("worker",),
)
PAIRED = {name: each for name, each in SCENARIOS.items() if name != CHARGES_ONE} | {"deliveries": DELIVERIES}


@dataclass(frozen=True)
class Turn:
    """One shop's go: operations a second, and processor seconds an operation by group of processes."""

    rate: float
    cpu: dict[str, float]

    @classmethod
    def of(cls, scenario: Scenario, measured: Measured) -> "Turn":
        """What a run comes to in which something was answered as it should be."""
        answered = scenario.answered(measured.outcomes)
        cost = {group: measured.cpu[group] / answered for group in scenario.counted or GROUPS}
        return cls(answered / measured.seconds, cost)

    @property
    def cost(self) -> float:
        """Processor seconds an operation."""
        return sum(self.cpu.values())


@dataclass(frozen=True)
class Pair:
    """The earlier revision's turn and this tree's right after it."""

    before: Turn
    after: Turn

    @property
    def rate(self) -> float:
        """How many times the rate."""
        return self.after.rate / self.before.rate

    @property
    def cost(self) -> float:
        """How many times the processor time."""
        return self.after.cost / self.before.cost

    @property
    def ratios(self) -> str:
        """Both in a line."""
        return f"{self.rate:.2f} times the rate at {self.cost:.2f} of the processor time"


def table(pairs: dict[str, Sequence[Pair]]) -> str:
    """Markdown: a row a scenario, ratios pair by pair with their median, lowest and highest."""
    head = (
        "operation",
        "rate, pair by pair",
        "median",
        "range",
        "before",
        "after",
        "processor, pair by pair",
    )
    columns = (*head, "median", "range", "ms before", "ms after")
    rows = [[PAIRED[name].title, *_rates(each), *_costs(each)] for name, each in pairs.items()]
    return _markdown(columns, rows)


def parts(pairs: dict[str, Sequence[Pair]]) -> str:
    """Markdown: whose processor time it was, before → after."""
    rows = [[PAIRED[name].title, *(_part(each, group) for group in GROUPS)] for name, each in pairs.items()]
    return _markdown(("processor ms an operation", *GROUPS), rows)


def _rates(pairs: Sequence[Pair]) -> list[str]:
    before, after = (median(turn.rate for turn in turns) for turns in _turns(pairs))
    return [*_ratios([pair.rate for pair in pairs]), f"{before:,.0f}/s", f"{after:,.0f}/s"]


def _costs(pairs: Sequence[Pair]) -> list[str]:
    before, after = (median(turn.cost for turn in turns) for turns in _turns(pairs))
    return [*_ratios([pair.cost for pair in pairs]), f"{before * 1000:.2f}", f"{after * 1000:.2f}"]


def _turns(pairs: Sequence[Pair]) -> tuple[list[Turn], list[Turn]]:
    return [pair.before for pair in pairs], [pair.after for pair in pairs]


def _ratios(ratios: Sequence[float]) -> list[str]:
    each = " ".join(f"{ratio:.2f}" for ratio in ratios)
    return [each, f"**{median(ratios):.2f}**", f"{min(ratios):.2f}–{max(ratios):.2f}"]


def _part(pairs: Sequence[Pair], group: str) -> str:
    if group not in pairs[0].before.cpu:
        return ""
    before, after = (median(turn.cpu[group] for turn in turns) * 1000 for turns in _turns(pairs))
    return f"{before:.2f} → {after:.2f}"


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ("---",) + ("--:",) * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
