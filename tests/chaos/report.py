"""The report of a run: as text, as JSON and as a picture."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from tests.chaos.checks import NOTICEABLE
from tests.chaos.faults import Happened
from tests.kit.checks import copies
from tests.kit.database import execute
from tests.kit.journal import DONE, REFUSED, UNKNOWN, Journal

SHOWN = 5
SLOWEST = """
SELECT coalesce(max(extract(epoch FROM e.delivered_at - o.ordered_at)), 0)::float, count(*),
       count(*) FILTER (WHERE e.state = 'delivered'), coalesce(max(e.attempts), 0)
FROM orders_orderevent e JOIN orders_order o ON o.id = e.order_id"""


@dataclass
class Report:
    """All that is in report.json; times are seconds from the start of the traffic."""

    seed: int
    seconds: float
    lasted: float
    verdict: str
    findings: dict[str, list[str]]
    requests: dict[str, dict[str, int]]
    codes: dict[str, dict[str, int]]
    unknowns: dict[str, int]
    replays: dict[str, int]
    operator: dict[str, int]
    events: dict[str, float]
    availability: float
    worst_recovery_seconds: float
    faults: list[dict[str, Any]]
    every_second: list[dict[str, int]] = field(repr=False)
    backlog: list[tuple[float, int]] = field(repr=False)


def report_on(
    *,
    seed: int,
    seconds: float,
    lasted: float,
    journal: Journal,
    happened: Sequence[Happened],
    findings: Mapping[str, list[str]],
    platform_log: Path,
    **more: Any,
) -> Report:
    """The figures of a run."""
    faults = [{**asdict(each), "recovered_seconds": recovery(each, happened, journal)} for each in happened]
    return Report(
        seed=seed,
        seconds=seconds,
        lasted=lasted,
        verdict="failed" if any(findings.values()) else "passed",
        findings=dict(findings),
        requests=journal.counts("outcome"),
        codes=journal.counts("code"),
        replays=dict(journal.replays),
        events=_events(platform_log),
        availability=availability(journal, lasted),
        worst_recovery_seconds=max((each["recovered_seconds"] or 0 for each in faults), default=0),
        faults=faults,
        every_second=every_second(journal, lasted),
        **more,
    )


def recovery(fault: Happened, happened: Sequence[Happened], journal: Journal) -> float | None:
    """From when mending began to the next write sent and acknowledged.

    None where no client could notice, or the next fault came before.
    """
    if not fault.kind.startswith(NOTICEABLE):
        return None
    later = [each.began for each in happened if each.kind.startswith(NOTICEABLE) and each.began > fault.began]
    done = (
        each.at + each.seconds
        for each in journal.attempts
        if each.outcome == DONE and each.operation in {"charge", "order"} and each.at > fault.mending
    )
    recovered = min(done, default=math.inf)
    return round(recovered - fault.mending, 2) if recovered < min(later, default=math.inf) else None


def availability(journal: Journal, lasted: float) -> float:
    """The share of the traffic that had a definite answer other than 503."""
    during = [each for each in journal.attempts if 0 <= each.at <= lasted]
    answered = [each for each in during if each.outcome != UNKNOWN and each.status != 503]
    return round(len(answered) / max(1, len(during)), 4)


def every_second(journal: Journal, lasted: float) -> list[dict[str, int]]:
    """The outcomes of each second's requests."""
    counted = [Counter({DONE: 0, REFUSED: 0, UNKNOWN: 0}) for _ in range(math.ceil(lasted) + 1)]
    for each in journal.attempts:
        if 0 <= each.at <= lasted:
            counted[int(each.at)][UNKNOWN if each.status == 503 else each.outcome] += 1
    return [dict(each) for each in counted]


def _events(platform_log: Path) -> dict[str, float]:
    ((slowest, written, delivered, attempts),) = execute(SLOWEST)
    seen = copies(platform_log).values()
    duplicates = sum(len(each) - 1 for each in seen)
    return {
        "written": written,
        "delivered": delivered,
        "duplicates": duplicates,
        "most_attempts": attempts,
        "slowest_seconds": round(slowest, 2),
    }


def as_text(report: Report) -> str:
    """The summary."""
    events = report.events
    again = f"{events['duplicates']} came again"
    sent = f"{events['written']} written, {events['delivered']} delivered, {again}"
    return "\n".join(
        [
            f"{'operation':10} {DONE:>8} {REFUSED:>8} {UNKNOWN:>8}",
            *(_row(name, counts) for name, counts in report.requests.items()),
            _row("all", _sum(report.requests.values())),
            f"not done, because  {_listed(_reasons(report.codes))}",
            f"unknown writes     {_listed(report.unknowns)}",
            f"done, asked again  {_listed(report.replays)}",
            f"operator's acts    {_listed(report.operator)}",
            f"faults             {_listed(Counter(each['kind'] for each in report.faults))}",
            f"available          {report.availability:.1%} of the requests had an answer that was no 503",
            f"  in each tenth    {_in_tenths(report.every_second)}",
            f"longest recovery   {report.worst_recovery_seconds} s from mending to an acknowledged write",
            f"events             {sent}; slowest {events['slowest_seconds']} s",
            *chain.from_iterable(_checked(name, found) for name, found in report.findings.items()),
            f"seed {report.seed}, {report.seconds:g} s: {report.verdict}",
        ]
    )


def _row(name: str, counts: Mapping[str, int]) -> str:
    return f"{name:10} " + " ".join(f"{counts.get(each, 0):8}" for each in (DONE, REFUSED, UNKNOWN))


def _in_tenths(every_second: Sequence[Mapping[str, int]]) -> str:
    bounds = [len(every_second) * tenth // 10 for tenth in range(11)]
    sums = [_sum(every_second[begin:end]) for begin, end in pairwise(bounds)]
    return " ".join(f"{1 - each[UNKNOWN] / max(1, each.total()):.0%}" for each in sums)


def _sum(counts: Any) -> Counter[str]:
    return sum((Counter(each) for each in counts), Counter())


def _reasons(codes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {code: count for code, count in sorted(_sum(codes.values()).items()) if code}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _checked(name: str, found: Sequence[str]) -> list[str]:
    more = [f"       … and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"{'no ' if found else 'yes'} {name}", *(f"       {each:.600}" for each in found[:SHOWN]), *more]


def write(report: Report, folder: Path) -> None:
    """report.json."""
    (folder / "report.json").write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n")
