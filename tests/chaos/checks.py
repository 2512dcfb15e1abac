"""The checks after a run: each names what breaks its rule."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.chaos.faults import Happened
from tests.kit.checks import findings
from tests.kit.journal import UNKNOWN, Attempt, Journal

# Clients may notice only faults of these.
NOTICEABLE = ("web", "one web", "postgres", "everything")
# A request sent just before a fault may fail with it; a broken connection may be noticed a moment later.
GRACE_SECONDS = 2.0


def all_findings(
    *, journal: Journal, happened: Sequence[Happened], longest_answer: float | None, **kept: Any
) -> dict[str, list[str]]:
    """The findings of every check, by its name."""
    return {
        "only_faults_reach_clients": list(unexplained(journal.attempts, happened)),
        "answers_come_in_time": list(late(journal.attempts, longest_answer)) if longest_answer else [],
        **findings(journal=journal, **kept),
    }


def late(attempts: Iterable[Attempt], longest_answer: float) -> Iterator[str]:
    """Attempts that took longer than so many seconds."""
    for each in attempts:
        if each.seconds > longest_answer:
            yield f"{each.operation} by {each.client} at {each.at} s took {each.seconds} s"


def unexplained(attempts: Iterable[Attempt], happened: Sequence[Happened]) -> Iterator[str]:
    """Attempts without a definite answer, or with a 503, while neither web nor database was broken."""
    broken = [each for each in happened if each.kind.startswith(NOTICEABLE)]
    for each in attempts:
        failed = each.outcome == UNKNOWN or each.status == 503
        ended = each.at + each.seconds
        if failed and not any(f.began <= ended and each.at <= f.ended + GRACE_SECONDS for f in broken):
            yield f"{each.operation} by {each.client} at {each.at} s: {each.status} {each.code}"
