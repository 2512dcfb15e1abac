"""What is measured, and against what."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.stand import FLOOR_SCRIPTS, HOLDERS, Measured, Stand

WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind by so many clients; `good` are the outcomes that count, others are unexpected."""

    name: str
    clients: int
    good: tuple[str, ...]
    options: Callable[[Stand], dict[str, int]] = lambda _stand: {}


@dataclass
class Result:
    """Medians over the runs of one scenario."""

    name: str
    clients: int
    rate: float
    floor: float | None
    noop: float
    quantiles: dict[str, float]
    cpu: dict[str, float]
    outcomes: dict[str, int]
    unexpected: dict[str, int] = field(default_factory=dict)


def _new_campaign(stand: Stand) -> dict[str, int]:
    return {"coupon": stand.campaign(), "first_user": 1}


def _sold_out_campaign(_stand: Stand) -> dict[str, int]:
    return {"coupon": 1, "first_user": HOLDERS + 1}


def _held_campaign(_stand: Stand) -> dict[str, int]:
    return {"coupon": 1}


CREATED, READ = ("201",), ("200",)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("orders", 16, CREATED),
        Scenario("orders-hot", 32, CREATED),
        Scenario("charges", 16, CREATED),
        Scenario("charges-one", 16, CREATED),
        Scenario("issues", 32, CREATED, _new_campaign),
        Scenario("issues-sold-out", 32, ("409 coupon_sold_out",), _sold_out_campaign),
        Scenario("issues-again", 32, ("409 coupon_already_issued",), _held_campaign),
        Scenario("product", 16, READ),
        Scenario("products", 16, READ),
        Scenario("ranking", 16, READ),
    )
}


def measure(stand: Stand, scenario: Scenario, *, seconds: float, runs: int) -> Result:
    """Run a scenario, its floor and the empty view in turn."""
    measured: list[Measured] = []
    floors: list[float] = []
    empty: list[float] = []
    for _run in range(runs):
        options = scenario.options(stand)
        stand.load(scenario.name, clients=scenario.clients, seconds=WARM_UP_SECONDS, **options)
        options = scenario.options(stand)
        measured.append(stand.load(scenario.name, clients=scenario.clients, seconds=seconds, **options))
        if scenario.name in FLOOR_SCRIPTS:
            floors.append(stand.floor(scenario.name, clients=scenario.clients, seconds=seconds, **options))
        noop = stand.load("noop", clients=scenario.clients, seconds=seconds / 2)
        empty.append(noop.done / noop.seconds)
    return _medians(scenario, measured, floors, empty)


def _medians(scenario: Scenario, measured: list[Measured], floors: list[float], empty: list[float]) -> Result:
    good = [sum(run.outcomes.get(outcome, 0) for outcome in scenario.good) for run in measured]
    outcomes = sum((Counter(run.outcomes) for run in measured), Counter[str]())
    return Result(
        name=scenario.name,
        clients=scenario.clients,
        rate=median(number / run.seconds for number, run in zip(good, measured, strict=True)),
        floor=median(floors) if floors else None,
        noop=median(empty),
        quantiles={
            f"p{share * 100:.0f}": median(run.quantile(share) for run in measured)
            for share in (0.5, 0.95, 0.99)
        },
        cpu={
            group: median(run.cpu[group] / max(1, number) for number, run in zip(good, measured, strict=True))
            for group in measured[0].cpu
        },
        outcomes=dict(outcomes),
        unexpected={outcome: number for outcome, number in outcomes.items() if outcome not in scenario.good},
    )
