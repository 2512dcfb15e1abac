"""How many statements an answer takes, as PostgreSQL logs them: BEGIN, COMMIT and who is calling too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from benchmarks.scenarios import Scenario
from benchmarks.stand import Stand

SECONDS = 1
MARKS = (b"LOG:  statement: ", b"LOG:  execute ")


def count(stand: Stand, scenarios: Sequence[Scenario]) -> dict[str, float]:
    """Statements for each answer of a scenario, with one client and no other user of the database."""
    log = stand.servers.embedded.root / "postgres.log"
    with _alone(stand), _all_logged():
        return {scenario.name: _per_answer(stand, scenario, log) for scenario in scenarios}


def _per_answer(stand: Stand, scenario: Scenario, log: Path) -> float:
    options = scenario.options(stand)
    size = log.stat().st_size
    run = stand.load(scenario.traffic, clients=1, seconds=SECONDS, **options)
    said = log.read_bytes()[size:]
    return round(sum(said.count(mark) for mark in MARKS) / max(1, scenario.answered(run.outcomes)), 1)


@contextmanager
def _alone(stand: Stand) -> Iterator[None]:
    """Without worker and beat."""
    stand.shop.beat.stop()
    stand.shop.worker.stop()
    try:
        yield
    finally:
        stand.shop.start()


@contextmanager
def _all_logged() -> Iterator[None]:
    _log_statements("all")
    try:
        yield
    finally:
        _log_statements("none")


def _log_statements(which: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
        cursor.execute("SELECT pg_reload_conf()")
