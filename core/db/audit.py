"""The audit: rules that each app states in its own `audit.py`, checked in one snapshot."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.conventions import modules_named
from core.db.replica import read_from_replica
from core.db.transactions import snapshot

MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """What an audit found of one rule: rows looked at, how many break it, and the first of them."""

    rule: str
    checked: int
    violations: int
    examples: list[str]


@dataclass(frozen=True)
class Rule:
    """What always holds, named for it; `violations` yields what breaks it, worded for an operator.

    docs/guarantees.md explains each name.
    """

    name: str
    count_rows: Callable[[], int]
    violations: Callable[[], Iterable[str]]

    def check(self) -> Finding:
        found = iter(self.violations())
        examples = list(islice(found, MAX_EXAMPLES))
        return Finding(self.name, self.count_rows(), len(examples) + sum(1 for _ in found), examples)


def audit(*, events: Path | None = None, forgotten: Path | None = None) -> list[Finding]:
    """Check every rule in one read-only snapshot; with the data platform's file, its rules too.

    `forgotten` is the file that `after_restore` wrote: of its events nothing is expected.
    """

    def check() -> list[Finding]:
        return [rule.check() for rule in stated_rules(events=events, forgotten=forgotten)]

    if events is None:
        return read_from_replica(check, in_snapshot=True)
    # On the primary: a standby may not have yet what the platform has.
    with snapshot():
        return check()


def stated_rules(*, events: Path | None, forgotten: Path | None = None) -> Iterator[Rule]:
    """`RULES` of each `audit.py`; with a file, `rules_of_file(events, forgotten)` too, where there is one."""
    for stated in modules_named("audit"):
        yield from stated.RULES
        if events is not None and hasattr(stated, "rules_of_file"):
            yield from stated.rules_of_file(events, forgotten)
