"""Processes are found on macOS, which has no /proc and at first no waitid, as they are on Linux."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.processes import command_lines, wait
from tests.kit.processes import ROOT

pytestmark = pytest.mark.skipif(not Path("/bin/ps").exists(), reason="there is no ps")


@pytest.fixture(params=["proc", "ps"])
def way(request, monkeypatch) -> None:
    if request.param == "ps":
        monkeypatch.setattr(Path, "exists", lambda _: False)
        monkeypatch.delattr(os, "waitid", raising=False)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()", "two  blanks"], stdin=subprocess.PIPE) as process:
        yield process


def test_process_has_its_command_line_and_a_zombie_none(way, child):
    assert "input() two  blanks" in command_lines()[child.pid]
    child.kill()
    assert wait(lambda: not command_lines()[child.pid], seconds=10)


@pytest.mark.parametrize("without", ["", "del os.waitid; "])
def test_children_are_listed_until_they_are_waited_for(without):
    script = (
        f"import os, subprocess; {without}from core.embedded.processes import has_children; "
        "seen = [has_children()]; "
        "child = subprocess.Popen(['sleep', '60']); seen.append(has_children()); "
        "child.kill(); seen.append(has_children()); child.wait(); seen.append(has_children()); print(*seen)"
    )
    said = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    assert said == "False True True False\n"
