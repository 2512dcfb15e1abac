"""The Dockerfile under hadolint."""

import subprocess
import sys
from pathlib import Path

from tests.kit.processes import ROOT

HADOLINT = Path(sys.prefix) / "tools" / "bin" / "hadolint"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def complaints(dockerfile: str) -> str:
    return subprocess.run(
        [HADOLINT, "-"], input=dockerfile, text=True, capture_output=True, check=False
    ).stdout


def test_dockerfile_passes_the_linter():
    assert complaints(DOCKERFILE) == ""


def test_image_that_ran_as_root_would_be_noticed():
    assert "DL3002" in complaints(DOCKERFILE.replace("USER 10001:10001", "USER root"))
