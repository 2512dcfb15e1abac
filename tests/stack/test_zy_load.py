"""The service `load`: its command with benchmarks/locustfile.py, against the running stack."""

import os
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT
from tests.stack.machine import Machine

# Of its own environment, as the image has it (make test-stack).
LOCUST = Path(sys.prefix) / "stack" / "bin" / "locust"
STEPS = ("orders/quote", "orders", "points/charges", "rankings/products", "coupons/{id}/issue")


def run(stack: Machine, **env: str) -> "subprocess.CompletedProcess[str]":
    """The service's own command, for ten seconds."""
    at = Machine(stack.folder, {**stack.given, "LOAD_USERS": "10", "LOAD_TIME": "10s"}, ports=stack.ports)
    service = at.service("load")
    command = [
        at.here(service, part).replace("=/benchmarks", f"={ROOT}/benchmarks") for part in service.command
    ]
    given = {"PATH": os.defpath, **service.environment, **env}
    options = {"env": given, "text": True, "capture_output": True, "timeout": 120}
    return subprocess.run([LOCUST, *command], check=False, **options)


def test_the_load_test_sends_every_kind_of_request_and_no_answer_is_an_error(stack: Machine, audit):
    done = run(stack)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [step for step in STEPS if f"/api/v1/{step} " not in done.stdout + done.stderr] == []
    audit()


def test_a_load_test_that_nobody_lets_in_fails(stack: Machine):
    assert run(stack, GATEWAY_SECRET="wrong").returncode == 1
