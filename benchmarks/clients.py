"""Clients in a process of their own, and what they saw."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.load import Plan

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Measured:
    """One run of one scenario: outcomes, seconds each took, processor seconds by group."""

    seconds: float
    outcomes: dict[str, int]
    taken: list[float]
    client_cpu: float
    receipts: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many were answered with success."""
        return sum(number for outcome, number in self.outcomes.items() if outcome[0] == "2")

    def quantile(self, share: float) -> float:
        """The seconds within which this share was answered."""
        return self.taken[min(len(self.taken) - 1, int(share * len(self.taken)))]


def send(plan: Plan) -> Measured:
    """Have clients send what the plan says; without the shop's processor time, which they cannot see."""
    command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(plan))]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Measured(**json.loads(said))
