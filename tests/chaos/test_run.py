"""A short run from end to end; `make chaos` does a long one."""

import json
import subprocess
import sys
from pathlib import Path

from tests.kit.processes import ROOT


def test_traffic_through_kills_and_outages_ends_with_nothing_lost_doubled_or_invented(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seconds", "15", "--seed", "1", "--report", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert not any(report["findings"].values())
    assert report["faults"]
    assert report["requests"]["order"]["done"] > 0
    assert report["events"]["delivered"] == report["events"]["written"] > 0
    lines = (tmp_path / "clients.jsonl").read_text().splitlines()
    assert len(lines) == sum(sum(counts.values()) for counts in report["requests"].values())
    assert (tmp_path / "report.png").stat().st_size > 10_000
