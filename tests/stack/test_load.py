"""The service `load`: its command with benchmarks/locustfile.py, against the running stack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tests.kit.machine import Machine
from tests.kit.processes import ROOT, until

# Of its own environment, as the image has it (make test-stack).
LOCUST = Path(sys.prefix) / "tools" / "bin" / "locust"
STEPS = ("orders/quote", "orders", "points/charges", "rankings/products", "coupons/{id}/issue")


def machine(stack: Machine) -> Machine:
    """The stack, asked for a short run with members that no other test knows."""
    given = {**stack.given, "LOAD_USERS": "10", "LOAD_TIME": "10s", "LOAD_MEMBERS": "61-100"}
    return Machine(stack.folder, given, ports=stack.ports)


@contextmanager
def started(
    stack: Machine, *, without: tuple[str, ...] = (), **env: str
) -> Iterator["subprocess.Popen[str]"]:
    """The service's own command, for ten seconds."""
    at = machine(stack)
    service = at.service("load")
    here = [at.here(service, part).replace("=/benchmarks", f"={ROOT}/benchmarks") for part in service.command]
    command = [LOCUST, f"--web-port={at.port('load')}", *(part for part in here if part not in without)]
    given = {"PATH": os.defpath, **service.environment, **env}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, env=given, text=True, **output) as running:
        try:
            yield running
        finally:
            running.kill()


def test_load_test_is_healthy_sends_every_kind_of_request_and_meets_no_error(stack: Machine, audit):
    assert not machine(stack).is_healthy("load")
    with started(stack) as running:
        until(lambda: machine(stack).is_healthy("load"))
        said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert [step for step in STEPS if f"/api/v1/{step} " not in said] == []
    audit()


def test_load_test_that_sends_nothing_is_not_healthy(stack: Machine):
    page = f"http://127.0.0.1:{stack.port('load')}/stats/requests"
    with started(stack, without=("--autostart", "--autoquit=0")):
        until(lambda: answers(page))
        assert not machine(stack).is_healthy("load")


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_load_test_that_is_refused_fails(stack: Machine):
    with started(stack, GATEWAY_SECRET="wrong") as running:
        said, _ = running.communicate(timeout=120)
    assert running.returncode == 1, said
