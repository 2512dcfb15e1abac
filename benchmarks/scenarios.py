"""What is measured, and against what."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.stand import HOLDERS, Measured, Stand

WARM_UP_SECONDS = 1
# A calm day: latencies are taken at this share of what the shop can do at most.
SHARE = 0.6
# So many that a request is sent when it is due, whatever became of those before it.
PACED_CLIENTS = 64
# Fewer say nothing about a floor, which swings more than what stands on it.
FEWEST_FLOORS = 3
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind by so many clients; what is neither `done` nor `refused` is unexpected."""

    name: str
    clients: int
    done: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    options: Callable[[Stand], dict[str, int]] = lambda _stand: {}

    def answered(self, outcomes: dict[str, int]) -> int:
        """How many were answered as they should be."""
        return sum(outcomes.get(outcome, 0) for outcome in self.done + self.refused)


@dataclass
class Run:
    """Measured in turn: at full speed, the bare database, doing nothing, and at SHARE of full speed."""

    full: Measured
    floor: float
    noop: float
    paced: Measured


@dataclass
class Result:
    """Medians over the runs of one scenario. Rates are a second; `cpu` is processor seconds an answer."""

    name: str
    clients: int
    runs: int
    rate: float
    floor: float | None
    noop: float
    quantiles: dict[str, float]
    cpu: dict[str, float]
    paced_rate: float
    paced_quantiles: dict[str, float]
    done: int
    refused: int
    unexpected: dict[str, int] = field(default_factory=dict)
    statements: float | None = None


def _new_campaign(stand: Stand) -> dict[str, int]:
    return {"coupon": stand.campaign(), "first_user": 1}


def _sold_out_campaign(_stand: Stand) -> dict[str, int]:
    return {"coupon": 1, "first_user": HOLDERS + 1}


def _held_campaign(_stand: Stand) -> dict[str, int]:
    return {"coupon": 1}


CREATED, READ = ("201",), ("200",)
SOLD_OUT, HELD = ("409 coupon_sold_out",), ("409 coupon_already_issued",)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("orders", 16, CREATED),
        Scenario("orders-hot", 32, CREATED),
        Scenario("charges", 16, CREATED),
        Scenario("charges-one", 16, CREATED),
        Scenario("issues", 32, CREATED, options=_new_campaign),
        Scenario("issues-sold-out", 32, refused=SOLD_OUT, options=_sold_out_campaign),
        Scenario("issues-again", 32, refused=HELD, options=_held_campaign),
        Scenario("product", 16, READ),
        Scenario("products", 16, READ),
        Scenario("ranking", 16, READ),
    )
}


def measure(stand: Stand, scenario: Scenario, *, seconds: float, runs: int) -> Result:
    """Run a scenario, its floor, the empty view and the scenario at its pace in turn, so many times."""
    return _medians(scenario, [_run(stand, scenario, seconds) for _ in range(runs)])


def _run(stand: Stand, scenario: Scenario, seconds: float) -> Run:
    def load(seconds: float, *, clients: int = scenario.clients, rate: float = 0) -> Measured:
        options = scenario.options(stand)
        return stand.load(scenario.name, clients=clients, seconds=seconds, rate=rate, **options)

    load(WARM_UP_SECONDS)
    full = load(seconds)
    noop = stand.load("noop", clients=scenario.clients, seconds=0.4 * seconds)
    return Run(
        full=full,
        floor=_floor(stand, scenario, 0.6 * seconds),
        noop=noop.done / noop.seconds,
        paced=load(seconds, clients=PACED_CLIENTS, rate=SHARE * _rate(scenario, full)),
    )


def _floor(stand: Stand, scenario: Scenario, seconds: float) -> float:
    options = scenario.options(stand)
    return stand.floor(scenario.name, clients=scenario.clients, seconds=max(1, seconds), **options)


def _rate(scenario: Scenario, run: Measured) -> float:
    return max(1, scenario.answered(run.outcomes)) / run.seconds


def _medians(scenario: Scenario, runs: Sequence[Run]) -> Result:
    floors = [run.floor for run in runs]
    outcomes = sum((Counter(run.full.outcomes) + Counter(run.paced.outcomes) for run in runs), Counter[str]())
    expected = scenario.done + scenario.refused
    return Result(
        name=scenario.name,
        clients=scenario.clients,
        runs=len(runs),
        rate=median(_rate(scenario, run.full) for run in runs),
        floor=median(floors) if len(floors) >= FEWEST_FLOORS else None,
        noop=median(run.noop for run in runs),
        quantiles=_quantiles([run.full for run in runs]),
        cpu={group: median(_cpu(scenario, run.full, group) for run in runs) for group in runs[0].full.cpu},
        paced_rate=median(_rate(scenario, run.paced) for run in runs),
        paced_quantiles=_quantiles([run.paced for run in runs]),
        done=sum(outcomes[outcome] for outcome in scenario.done),
        refused=sum(outcomes[outcome] for outcome in scenario.refused),
        unexpected={outcome: number for outcome, number in outcomes.items() if outcome not in expected},
    )


def _quantiles(runs: Sequence[Measured]) -> dict[str, float]:
    return {name: median(run.quantile(share) for run in runs) for name, share in QUANTILES.items()}


def _cpu(scenario: Scenario, run: Measured, group: str) -> float:
    return run.cpu[group] / max(1, scenario.answered(run.outcomes))
