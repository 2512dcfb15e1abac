"""OpenTelemetry's own variables: what it cannot use stops the start by its name; no request fails by one."""

import subprocess
import sys

import pytest

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.processes import ROOT, environment, until

CALLER = "00f067aa0ba902b7"
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"


def check(traced: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "check"]
    env = environment(**traced, **variables)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization Bearer-hunter2"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=hunter2%0Ax"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "hunter2"),
        (f"{CAPTURE}_SERVER_REQUEST", "*(hunter2"),
        (f"{CAPTURE}_SERVER_RESPONSE", "*(hunter2"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "hunter2"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
        ("OTEL_TRACES_SAMPLER", "hunter2"),
    ],
)
def test_variable_that_cannot_be_used_stops_the_start_by_its_name(traced, db, name, value):
    done = check(traced, **{name: value})
    assert done.returncode != 0
    assert name in done.stderr
    assert done.stderr.startswith("OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry cannot use")
    assert (done.stderr.count("\n"), "hunter2" in done.stderr) == (1, False)


def test_variables_that_are_empty_or_have_a_default_start(traced, db):
    given = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_BSP_MAX_QUEUE_SIZE": ""}
    done = check(traced, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer hunter2,x=y", **given)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("propagators", ["none", "no-such"])
def test_requests_continue_a_trace_whatever_the_propagators(
    transactional_db, traced, received, tmp_path, propagators
):
    trace = {"none": "5", "no-such": "6"}[propagators] * 32
    with processes.web(log=tmp_path / "web.log", OTEL_PROPAGATORS=propagators, **traced) as url:
        given = {"traceparent": f"00-{trace}-{CALLER}-01"}
        assert Client(url).get("products", headers=given).status == 200
        assert until(lambda: [each for each in received.of(trace) if each.parent == CALLER])
