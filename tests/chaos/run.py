"""A run: clients and faults on a new shop; afterwards it is mended and checked."""

import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random

from django.db import connection

from orders.models import OrderEvent
from tests.chaos import checks, picture, report
from tests.chaos.faults import Stage, Trouble
from tests.chaos.one_machine import one_machine
from tests.chaos.operator import LOST, Operator
from tests.chaos.schedule import schedule
from tests.chaos.several_machines import several_machines
from tests.kit.journal import Journal
from tests.kit.market import Market, open_market
from tests.kit.processes import open_folder, until
from tests.kit.traffic import Shopper, give_points, resolve, shoppers, traffic

LOOK_SECONDS = 0.5
# An event that the platform refused waits for its next attempt; one that a dead worker held, for its lease.
QUIET_SECONDS = 90


def say(text: str) -> None:
    """To the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# Where the shop runs.
TOPOLOGIES: dict[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "one": one_machine,
    "ha": several_machines,
}


def run(*, topology: str, seed: int, seconds: float, folder: Path) -> bool:
    """Whether everything held. Leaves report.json, report.png, clients.jsonl and, after a failure, logs."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_folder("chaos") as scratch, TOPOLOGIES[topology](scratch) as stage:
        passed = False
        try:
            passed = _play(stage, seed=seed, seconds=seconds, folder=folder)
        finally:
            _keep_logs(scratch, folder / "logs", wanted=not passed)
    say(f"The report is in {folder}")
    return passed


def _play(stage: Stage, *, seed: int, seconds: float, folder: Path) -> bool:
    journal, market = Journal(folder / "clients.jsonl"), open_market(Random(f"{seed} market"))
    clients = shoppers(url=stage.url, market=market, journal=journal, seed=seed, ca=stage.ca)
    give_points(clients)
    journal.began = time.monotonic()
    trouble = Trouble(stage, schedule(plan=stage.plan, seed=seed, seconds=seconds), journal.now)
    operator, backlog = Operator(market, Random(f"{seed} operator")), Backlog(journal)
    say(f"16 clients and {len(trouble.faults)} faults for {seconds:g} s, seed {seed}")
    with beside(operator.work), beside(backlog.watch), traffic(clients), trouble.brewing():
        time.sleep(seconds)
    lasted = journal.now()
    unknowns = _bring_to_rest(stage, clients, trouble)
    findings = {"all faults could be mended": trouble.failures, **_findings(stage, journal, market, trouble)}
    outcome = report.report_on(
        seed=seed,
        seconds=seconds,
        lasted=round(lasted, 2),
        journal=journal,
        happened=trouble.happened,
        findings=findings,
        platform_log=stage.platform.log,
        unknowns=dict(unknowns),
        operator=operator.acts,
        backlog=backlog.seen,
    )
    journal.close()
    report.write(outcome, folder)
    picture.draw(outcome, folder / "report.png")
    say(report.as_text(outcome))
    return outcome.verdict == "passed"


def _bring_to_rest(stage: Stage, clients: list[Shopper], trouble: Trouble) -> Counter[str]:
    """Mend what is broken, ask again what is in doubt, and wait until the last event is delivered."""
    connection.close()
    stage.mend()
    unknowns = resolve(clients)
    try:
        until(_all_delivered, seconds=QUIET_SECONDS)
    except AssertionError:
        trouble.failures.append(f"events were left after {QUIET_SECONDS} s of rest")
    return unknowns


def _all_delivered() -> bool:
    return not OrderEvent.objects.exclude(state="delivered").exists()


def _findings(stage: Stage, journal: Journal, market: Market, trouble: Trouble) -> dict[str, list[str]]:
    return checks.all_findings(
        journal=journal,
        happened=trouble.happened,
        longest_answer=stage.longest_answer,
        stocked=market.stocked,
        prices=market.prices,
        taken=stage.taken,
        platform_log=stage.platform.log,
    )


class Backlog:
    """Samples of how many events wait; none while the database is away."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.seen: list[tuple[float, int]] = []

    def watch(self, closing: threading.Event) -> None:
        """Look until told to stop."""
        while not closing.wait(LOOK_SECONDS):
            try:
                waiting = OrderEvent.objects.filter(state="pending").count()
            except LOST:
                connection.close()
            else:
                self.seen.append((round(self.journal.now(), 2), waiting))
        connection.close()


@contextmanager
def beside(work) -> Iterator[None]:
    """Work in another thread, which is told to stop when the block ends."""
    closing = threading.Event()
    thread = threading.Thread(target=work, args=(closing,))
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join()


def _keep_logs(scratch: Path, folder: Path, *, wanted: bool) -> None:
    """Keep the logs of a failed run in place of an earlier one's."""
    shutil.rmtree(folder, ignore_errors=True)
    if wanted:
        folder.mkdir()
        for log in scratch.rglob("*.log"):
            shutil.copyfile(log, folder / log.name)
