"""The generators and linters, as `make test-clients` installed them into .venv/clients."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.kit.processes import ROOT

INSTALLED = ROOT / ".venv" / "clients"
MODULES = INSTALLED / "node_modules"
PYTHON = INSTALLED / "bin" / "python"
SOURCES = Path(__file__).parent


def require(*programs: str | Path) -> None:
    """Skip, naming what is missing: a tool that cannot be had is no fault of the document."""
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} cannot be had; `make test-clients` says why")


def npm(tool: str) -> str:
    """A program of an npm package."""
    program = MODULES / ".bin" / tool
    require("node", program)
    return str(program)


def python_tool(tool: str) -> str:
    """A program of a Python package."""
    program = INSTALLED / "bin" / tool
    require(program)
    return str(program)


def run(*command: str | Path, folder: Path, given: str = "", **environment: str) -> str:
    """What a command prints; the test fails with all of it where the command does."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **environment},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command[0]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def told(output: str) -> Any:
    """What a purchasing program printed last."""
    return json.loads(output.strip().splitlines()[-1])
