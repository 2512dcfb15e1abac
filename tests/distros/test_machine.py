"""What `make test-distros` says where it cannot make a system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.processes import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="Debian is Linux")
def test_machine_that_allows_no_root_is_skipped_with_what_failed(tmp_path: Path) -> None:
    (tmp_path / "debootstrap").symlink_to("/bin/true")
    powerless = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    command = [*powerless, sys.executable, "-m", "tests.distros", "bookworm"]
    env = os.environ | {"PATH": f"{os.environ['PATH']}:{tmp_path}"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=env)
    assert "Skipped" in done.stdout
    assert "unshare failed: Operation not permitted" in done.stdout
