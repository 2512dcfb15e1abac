"""What an audit checks, in the words of whoever owns it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

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
