"""What every client asked and was told, and what that says about a write."""

import json
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from urllib3.exceptions import HTTPError

from tests.kit.client import Answer, Client

DONE, REFUSED, UNKNOWN = "done", "refused", "unknown"
WRITES = ("charge", "issue", "order")
_BASKET = {
    "out_of_stock",
    "insufficient_points",
    "price_changed",
    "coupon_already_used",
}
# The refusals that the traffic can earn; any other is a fault of the shop's, or of the traffic's.
EXPECTED = {"issue": {"coupon_sold_out", "coupon_already_issued"}, "order": _BASKET, "quote": _BASKET}


@dataclass(frozen=True)
class Request:
    """One thing to ask. A write has a key; an issue's is never sent, for its user and coupon are its key."""

    operation: str
    path: str
    user: int | None = None
    body: Any = None
    key: str | None = None

    @property
    def writes(self) -> bool:
        """Whether the request writes."""
        return self.operation in WRITES

    def send(self, http: Client) -> Answer:
        """Raises HTTPError where no whole answer came back."""
        if self.writes or self.operation == "quote":
            key = None if self.operation == "issue" else self.key
            return http.post(self.path, self.body, user=self.user, key=key)
        return http.get(self.path, user=self.user)


@dataclass(frozen=True)
class Attempt:
    """One line of the log; `at` is seconds from the start."""

    at: float
    seconds: float
    client: str
    operation: str
    user: int | None
    key: str | None
    body: Any
    outcome: str
    status: int | None
    code: str


@dataclass
class Write:
    """All that is known of one key: `told` is the first acknowledgement."""

    request: Request
    told: Any = None
    replayed: bool = False
    refusals: list[str] = field(default_factory=list)
    doubtful: bool = False  # some attempt may have been carried out without our knowing
    settled: bool = False  # refused when nothing else was under way any more
    held: int | None = None  # what `coupon_already_issued` says the user has

    @property
    def open(self) -> bool:
        """Whether the outcome is unknown."""
        return self.doubtful and self.told is None and not self.settled

    @property
    def fate(self) -> str:
        """What became of a write in doubt."""
        if self.told is not None:
            return "had been carried out" if self.replayed else "carried out once asked again"
        if self.held is not None:
            return "had been carried out"
        return f"refused: {self.refusals[-1]}" if self.settled else UNKNOWN


def judge(request: Request, answer: Answer) -> tuple[str, str, str]:
    """The outcome, the problem's code, and what is wrong with the answer itself, if anything."""
    if answer.status < 300:
        return DONE, "", ""
    try:
        code = answer.code
    except (AssertionError, KeyError, ValueError) as error:
        return UNKNOWN, "", f"no proper problem: {answer.status} {error!r}"
    if answer.status == 503:
        return _judge_503(request, answer, code)
    if answer.status >= 500:
        return UNKNOWN, code, f"{answer.status} {code}"
    unexpected = code not in EXPECTED.get(request.operation, set())
    return REFUSED, code, f"unexpected {answer.status} {code}" if unexpected else ""


def _judge_503(request: Request, answer: Answer, code: str) -> tuple[str, str, str]:
    """`busy` wrote nothing; after `unavailable` a write may have been committed all the same."""
    deliberate = code in {"busy", "unavailable"} and answer.headers.get("Retry-After", "").isdecimal()
    outcome = UNKNOWN if code == "unavailable" and request.writes else REFUSED
    return outcome, code, "" if deliberate else f"503 {code} without Retry-After"


class Journal:
    """Every attempt, in a file as JSON lines and counted; every write by its key."""

    def __init__(self, file: Path) -> None:
        self.output = file.open("w")
        self.began = time.monotonic()
        self.attempts: list[Attempt] = []
        self.writes: dict[tuple[str, int | None, str | None], Write] = {}
        self.complaints: list[str] = []
        self.replays: Counter[str] = Counter()
        self._turn = threading.Lock()

    def now(self) -> float:
        """Seconds from the start."""
        return time.monotonic() - self.began

    def ask(self, http: Client, request: Request, *, client: str) -> Attempt:
        """Send a request and write down what became of it."""
        at, answer, failure = self.now(), None, ""
        try:
            answer = request.send(http)
        except (HTTPError, OSError) as error:
            failure = type(error).__name__
        return self.record(request, answer, at=at, client=client, failure=failure)

    def record(
        self, request: Request, answer: Answer | None, *, at: float, client: str, failure: str = ""
    ) -> Attempt:
        """Write down an answer, or that none came."""
        outcome, code, complaint = judge(request, answer) if answer else (UNKNOWN, failure, "")
        asked = (client, request.operation, request.user, request.key, request.body)
        attempt = Attempt(
            round(at, 4), round(self.now() - at, 4), *asked, outcome, answer.status if answer else None, code
        )
        with self._turn:
            self.attempts.append(attempt)
            self.output.write(json.dumps(asdict(attempt), ensure_ascii=False) + "\n")
            self._complain(attempt, complaint)
            if request.writes:
                self._learn(request, attempt, answer)
        return attempt

    def _complain(self, attempt: Attempt, complaint: str) -> None:
        if complaint:
            self.complaints.append(f"{attempt.operation} {attempt.key} at {attempt.at} s: {complaint}")

    def _learn(self, request: Request, attempt: Attempt, answer: Answer | None) -> None:
        known = self.writes.setdefault((request.operation, request.user, request.key), Write(request))
        if attempt.outcome == UNKNOWN or answer is None:
            known.doubtful = True
        elif attempt.outcome == DONE:
            self._learn_done(known, attempt, answer)
        else:
            known.refusals.append(attempt.code)
            if attempt.code == "coupon_already_issued":
                known.held = answer.json["issued_coupon_id"]

    def _learn_done(self, known: Write, attempt: Attempt, answer: Answer) -> None:
        replayed = "Idempotent-Replayed" in answer.headers
        if known.told is None:
            known.told, known.replayed = answer.json, replayed
            self._complain(attempt, "replayed, never asked before" if replayed and not known.doubtful else "")
        elif not replayed or answer.json != known.told:
            self._complain(attempt, f"told twice: {known.told}, then {answer.json}")
        else:
            self.replays[attempt.operation] += 1

    def write(self, request: Request) -> Write:
        """What is known of a request's key."""
        return self.writes[request.operation, request.user, request.key]

    def acknowledged(self, operation: str) -> list[Write]:
        """The acknowledged writes of a kind."""
        return [each for each in list(self.writes.values()) if self._is_told(each, operation)]

    def _is_told(self, write: Write, operation: str) -> bool:
        return write.request.operation == operation and write.told is not None

    def open(self) -> list[Write]:
        """The writes whose outcome is unknown."""
        return [each for each in list(self.writes.values()) if each.open]

    def counts(self, what: str) -> dict[str, dict[str, int]]:
        """How many attempts there were, by operation and by their `outcome` or `code`."""
        counted: dict[str, Counter[str]] = {}
        for each in self.attempts:
            counted.setdefault(each.operation, Counter())[getattr(each, what)] += 1
        return {operation: dict(counted[operation]) for operation in sorted(counted)}

    def close(self) -> None:
        """Finish the file."""
        self.output.close()
