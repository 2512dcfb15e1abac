"""A case: journalled clients on the topology while something is done to it, and what became of it all."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from django.db import InterfaceError, OperationalError, connection

from orders.models import OrderEvent
from tests.kit.checks import ACKNOWLEDGED, copies, findings
from tests.kit.database import empty_tables
from tests.kit.ha.topology import Topology
from tests.kit.journal import DONE, REFUSED, UNKNOWN, WRITES, Attempt, Journal
from tests.kit.market import Market, open_market
from tests.kit.processes import ROOT, environment, until
from tests.kit.traffic import Shopper, give_points, resolve, shoppers, traffic

CLIENTS = 6
SEED = 14
LONGEST_ANSWER_SECONDS = 8
DELIVERED_SECONDS = 60
COLUMNS = (
    *("outage, s", "longest answer, s", "done", "refused", "503", "unanswered"),
    *("in doubt", "lost", "events sent again"),
)
ROWS: list["Case"] = []


@dataclass
class Case:
    """What the clients were told, when it happened, and what is wrong with it, once the case is over."""

    name: str
    topology: Topology
    market: Market
    journal: Journal
    clients: list[Shopper]
    pids: set[int]
    began: float | None = None  # the fault, in the journal's seconds
    findings: dict[str, list[str]] = field(default_factory=dict)
    unknowns: Counter[str] = field(default_factory=Counter)
    sent_again: int = 0
    may_break: bool = False  # connections, for the machine at their other end vanishes
    ended: bool = False

    def break_now(self) -> None:
        """Say that the fault comes now, once there is traffic on record."""
        until(lambda: len(self.written) > 30, seconds=30)
        self.began = self.journal.now()

    def wait_for_writes(self, *, seconds: float, count: int = 20) -> None:
        """Wait until so many writes sent from now on are acknowledged. Raises AssertionError."""
        now = self.journal.now()
        until(lambda: sum(each.at > now for each in self.written) >= count, seconds=seconds)

    def wait_for_event(self, *, seconds: float) -> None:
        """Wait until the platform takes the event of an order sent from now on. Raises AssertionError."""
        now = self.journal.now()

        def is_taken() -> bool:
            orders = [each for each in self.written if each.operation == "order" and each.at > now]
            ids = [self.journal.writes["order", each.user, each.key].told["id"] for each in orders]
            known = self.topology.taken.read_text()
            return any(f'"order_id":{pk},' in known for pk in ids)

        until(is_taken, seconds=seconds)

    @property
    def written(self) -> list[Attempt]:
        """The charges and orders as they were acknowledged first; a repeat shows no write of that moment."""
        first: dict[tuple[str, int | None, str | None], Attempt] = {}
        for each in list(self.journal.attempts):
            if each.outcome == DONE and each.operation in {"charge", "order"}:
                first.setdefault((each.operation, each.user, each.key), each)
        known = self.journal.writes  # of the newest answer perhaps not yet
        return [each for key, each in first.items() if key in known and not known[key].replayed]

    @property
    def reads(self) -> list[Attempt]:
        """What was read with success."""
        attempts = list(self.journal.attempts)
        return [each for each in attempts if each.outcome == DONE and each.operation not in WRITES]

    @property
    def outage(self) -> float:
        """The longest time without an acknowledged write, from the fault on."""
        began = self.began or 0
        ends = sorted(each.at + each.seconds for each in self.written)
        times = [began, *(each for each in ends if each > began)]
        return round(max((later - sooner for sooner, later in pairwise(times)), default=0.0), 1)

    @property
    def longest_answer(self) -> float:
        return round(max((each.seconds for each in self.journal.attempts), default=0.0), 1)

    @property
    def answers(self) -> Counter[str]:
        """How many requests were done, refused, answered 503, and not answered."""
        return Counter(_kind(each) for each in self.journal.attempts)

    @property
    def lost(self) -> list[str]:
        """The acknowledged writes that are not there, or not as acknowledged."""
        return [line for line in self.findings[ACKNOWLEDGED] if "was acknowledged as" in line]

    @property
    def wrong(self) -> list[str]:
        """All that must not be: by the checks, in the answers, and in their times."""
        found = [f"{name}: {line:.300}" for name, lines in self.findings.items() for line in lines]
        late = [each for each in self.journal.attempts if each.seconds > LONGEST_ANSWER_SECONDS]
        unanswered = [each for each in self.journal.attempts if each.status is None and not self.may_break]
        return [
            *found,
            *(f"late: {each}" for each in late),
            *(f"unanswered: {each}" for each in unanswered),
        ]


def _kind(attempt: Attempt) -> str:
    if attempt.status is None:
        return "unanswered"
    if attempt.status == 503:
        return "503"
    return {DONE: "done", REFUSED: "refused", UNKNOWN: "unknown"}[attempt.outcome]


@contextmanager
def under_load(topology: Topology, name: str) -> Iterator[Case]:
    """Clients who shop until the block ends; then all is mended, asked again, delivered and checked."""
    empty(topology)
    journal, market = Journal(topology.folder / "clients.jsonl"), open_market(Random(SEED))
    clients = shoppers(
        url=topology.url, market=market, journal=journal, seed=SEED, count=CLIENTS, ca=topology.ca
    )
    give_points(clients)
    case = Case(name, topology, market, journal, clients, topology.processes())
    try:
        with traffic(clients):
            yield case
        connection.close()
        topology.mend()
        case.unknowns = resolve(clients)
        until(_all_delivered, seconds=DELIVERED_SECONDS)
        case.findings = _findings(case)
        case.sent_again = sum(len(each) - 1 for each in copies(topology.platform.log).values())
        case.ended = True
    finally:
        journal.close()
        ROWS.append(case)


def empty(topology: Topology) -> None:
    """No rows, and a platform that knows of none."""
    topology.mend()
    until(_all_delivered, seconds=DELIVERED_SECONDS)
    topology.platform.kill()
    topology.taken.write_text("")
    topology.platform.log.write_text("")
    empty_tables()
    topology.platform.start()


def _all_delivered() -> bool:
    try:
        return not OrderEvent.objects.exclude(state="delivered").exists()
    except (OperationalError, InterfaceError):
        connection.close()
        return False


def _findings(case: Case) -> dict[str, list[str]]:
    kept = case.topology
    return {
        **findings(
            journal=case.journal,
            stocked=case.market.stocked,
            prices=case.market.prices,
            taken=kept.taken,
            platform_log=kept.platform.log,
        ),
        "manage_py_audit_finds_nothing": _audited(kept),
    }


def _audited(topology: Topology) -> list[str]:
    """What an operator would be told."""
    done = subprocess.run(
        [sys.executable, "manage.py", "audit", "--events", topology.taken],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return [] if done.returncode == 0 else [done.stdout + done.stderr[-2000:]]


def table() -> str:
    """The cases so far, in Markdown, controls last."""
    lines = [f"| case | {' | '.join(COLUMNS)} |", "|---|" + "--:|" * len(COLUMNS)]
    for case in sorted(ROWS, key=lambda each: "control" in each.name):
        counts = case.answers
        cells = [
            *(case.name, case.outage if case.began is not None else "–", case.longest_answer),
            *(counts["done"], counts["refused"], counts["503"], counts["unanswered"]),
            *(case.unknowns.total(), len(case.lost) if case.ended else "not finished", case.sent_again),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"
