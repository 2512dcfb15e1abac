"""The audit: rules that each app states in its own `audit.py`, checked as of one moment."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.conventions import modules_named
from core.db.transactions import snapshot

FIRST = 5


@dataclass(frozen=True)
class Finding:
    """What an audit found of one rule: rows looked at, how many break it, and the first of them."""

    invariant: str
    rule: str
    checked: int
    violations: int
    offenders: list[str]


@dataclass(frozen=True)
class Rule:
    """A sentence that holds at every moment; `breaches` yields what breaks it, worded for an operator."""

    invariant: str
    rule: str
    rows: Callable[[], int]
    breaches: Callable[[], Iterable[str]]

    def check(self) -> Finding:
        """Look at every row; keep the first few offenders and count them all."""
        offenders: list[str] = []
        violations = 0
        for breach in self.breaches():
            violations += 1
            if violations <= FIRST:
                offenders.append(breach)
        return Finding(self.invariant, self.rule, self.rows(), violations, offenders)


def audit(*, events: Path | None = None) -> list[Finding]:
    """Check every rule in one read-only snapshot; with the data platform's file, its rules too.

    Found by convention: `RULES` of each app's `audit.py`, and `rules_of_file(path)` where it has one.
    """
    found = sorted(_rules(events), key=lambda rule: rule.invariant)
    with snapshot():
        return [rule.check() for rule in found]


def _rules(events: Path | None) -> Iterator[Rule]:
    for stated in modules_named("audit"):
        yield from stated.RULES
        if events is not None and hasattr(stated, "rules_of_file"):
            yield from stated.rules_of_file(events)
