"""The units of deploy/ha/systemd under systemd's own checks, and what they rest on."""

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.kit import processes

UNITS = sorted((processes.ROOT / "deploy/ha/systemd").glob("*.service"))
SHOP = [unit for unit in UNITS if unit.name.startswith("pointshop-")]
PROGRAM = re.compile(r"(?m)^(Exec\w+=[-+]*)/\S+")
# Of 10, where 0 is none. Patroni's PostgreSQL needs more than the others.
LARGEST_EXPOSURE = {"patroni.service": 60}

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is missing; on Debian: apt install systemd"
)


def verify(folder: Path, changed: dict[str, str] | None = None) -> str:
    """What systemd says against the units, with a program that is there in place of each."""
    for unit in UNITS:
        text = PROGRAM.sub(r"\1/bin/true", unit.read_text())
        for old, new in (changed or {}).items():
            text = text.replace(old, new)
        (folder / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *(str(folder / unit.name) for unit in UNITS)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@needs_systemd
def test_units_are_what_systemd_reads(tmp_path):
    assert len(UNITS) == 9
    assert verify(tmp_path) == ""


@needs_systemd
def test_unit_with_a_misspelt_line_would_be_noticed(tmp_path):
    assert "TimeoutStopsSec" in verify(tmp_path, {"TimeoutStopSec": "TimeoutStopsSec"})


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_leaves_its_process_little_to_harm(unit):
    threshold = LARGEST_EXPOSURE.get(unit.name, 20 if unit in SHOP else 40)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit_is_started_again_however_often_it_ends(unit):
    said = unit.read_text().splitlines()
    assert {"Restart=always", "RestartSec=1", "StartLimitIntervalSec=0"} <= {*said}


@pytest.mark.parametrize("unit", SHOP, ids=lambda unit: unit.name)
def test_unit_runs_the_command_of_the_compose_file(unit):
    command = re.search(r"(?m)^ExecStart=/opt/pointshop/\.venv/bin/(.+)$", unit.read_text())[1]
    sources = [(processes.ROOT / name).read_text() for name in ("Dockerfile", "docker-compose.yml")]
    # There a worker's processes are counted, too.
    assert any(json.dumps(command.split())[:-1] in source for source in sources)


def test_web_server_tells_systemd_when_it_is_ready(django_db_setup, django_db_blocker, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(processes.PATIENCE_SECONDS)
        with (
            django_db_blocker.unblock(),
            processes.web(log=tmp_path / "web.log", NOTIFY_SOCKET=str(tmp_path / "notify")),
        ):
            assert b"READY=1" in told.recv(1000)
