"""Scenarios at full speed and at a calm pace, beside the bare database and a view that does nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.clients import Measured
from benchmarks.scenarios import Scenario
from benchmarks.stand import Stand

WARM_UP_SECONDS = 1
# A calm day: latencies are taken at this share of what the shop can do at most.
SHARE = 0.6
# Enough clients that a request is sent when it is due, also while earlier ones still wait.
PACED_CLIENTS = 64
# Fewer say nothing about a floor, which swings more than what stands on it.
FEWEST_FLOORS = 3
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


# Who has a hand in an answer.
SERVERS = ("web", "postgres", "redis")


@dataclass
class Run:
    """Measured in turn: at full speed, the bare database, doing nothing, and at SHARE of full speed."""

    full: Measured
    floor: float
    noop: Measured
    paced: Measured


@dataclass
class Result:
    """Medians over the runs of one scenario. Rates are a second; `cpu` is processor seconds an answer.

    `noop` is the rate of a view that does nothing, `noop_cpu` what SERVERS spend on an answer of its.
    """

    name: str
    title: str
    clients: int
    runs: int
    rate: float
    floor: float | None
    noop: float
    noop_cpu: float
    quantiles: dict[str, float]
    cpu: dict[str, float]
    paced_rate: float
    paced_quantiles: dict[str, float]
    done: int
    refused: int
    unexpected: dict[str, int] = field(default_factory=dict)
    statements: float | None = None

    @property
    def served_cpu(self) -> float:
        """What SERVERS spend on an answer."""
        return sum(self.cpu[group] for group in SERVERS)


def measure(stand: Stand, scenario: Scenario, *, seconds: float, runs: int) -> Result:
    """Run a scenario, its floor, the empty view and the scenario at its pace in turn, so many times."""
    return _medians(scenario, [_run(stand, scenario, seconds) for _ in range(runs)])


def _run(stand: Stand, scenario: Scenario, seconds: float) -> Run:
    def load(seconds: float, *, clients: int = scenario.clients, rate: float = 0) -> Measured:
        options = scenario.options(stand)
        return stand.load(scenario.traffic, clients=clients, seconds=seconds, rate=rate, **options)

    load(WARM_UP_SECONDS)
    full = load(seconds)
    noop = stand.load("noop", clients=scenario.clients, seconds=0.4 * seconds)
    return Run(
        full=full,
        floor=_floor(stand, scenario, 0.6 * seconds),
        noop=noop,
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
    return Result(
        name=scenario.name,
        title=scenario.title,
        clients=scenario.clients,
        runs=len(runs),
        rate=median(_rate(scenario, run.full) for run in runs),
        floor=median(floors) if len(floors) >= FEWEST_FLOORS else None,
        noop=median(run.noop.done / run.noop.seconds for run in runs),
        noop_cpu=median(_serving(run.noop) / run.noop.done for run in runs),
        quantiles=_quantiles([run.full for run in runs]),
        cpu={group: median(_cpu(scenario, run.full, group) for run in runs) for group in runs[0].full.cpu},
        paced_rate=median(_rate(scenario, run.paced) for run in runs),
        paced_quantiles=_quantiles([run.paced for run in runs]),
        done=sum(outcomes[outcome] for outcome in scenario.done),
        refused=sum(outcomes[outcome] for outcome in scenario.refused),
        unexpected=scenario.unexpected(outcomes),
    )


def _serving(run: Measured) -> float:
    return sum(run.cpu[group] for group in SERVERS)


def _quantiles(runs: Sequence[Measured]) -> dict[str, float]:
    return {name: median(run.quantile(share) for run in runs) for name, share in QUANTILES.items()}


def _cpu(scenario: Scenario, run: Measured, group: str) -> float:
    return run.cpu[group] / max(1, scenario.answered(run.outcomes))
