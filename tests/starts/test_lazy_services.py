"""What needs no server starts none; what needs one starts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.embedded.servers import EmbeddedServices
from tests.kit.variables import EVERY_NAME

PYTHON = sys.executable


def run(checkout: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command of a fresh clone, with nothing configured but DEBUG."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in {*EVERY_NAME, "DJANGO_SETTINGS_MODULE"}
    }
    return subprocess.run(
        [PYTHON, *command],
        cwd=checkout,
        env={**env, "DEBUG": "1", **settings},
        text=True,
        capture_output=True,
        check=False,
    )


def was_started(checkout: Path) -> bool:
    """Whether a server ever ran in the checkout."""
    return (checkout / ".local" / "postgres").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "--help"],
        ["manage.py", "help", "migrate"],
        ["manage.py", "migrate", "--help"],
        ["manage.py", "check"],
        ["manage.py", "spectacular", "--file", "/dev/null"],
        ["-m", "celery", "-A", "config", "worker", "--help"],
        ["-m", "local", "--help"],
        ["-m", "mypy", "users/models.py", "--cache-dir=/dev/null"],
        ["-m", "pytest", "--help"],
        ["-m", "pytest", "--collect-only", "-q", "users"],
    ],
    ids=" ".join,
)
def test_commands_that_need_no_server_start_none(checkout: Path, command: list[str]):
    done = run(checkout, *command)
    assert done.returncode == 0, done.stderr
    assert not was_started(checkout)


def test_command_that_needs_a_server_starts_it_and_leaves_it_stopped(checkout: Path):
    done = run(checkout, "manage.py", "migrate")
    assert done.returncode == 0, done.stderr
    assert was_started(checkout)
    assert not EmbeddedServices(checkout / ".local").is_running()


def test_secrets_are_not_made_up_without_debug(checkout: Path):
    done = run(checkout, "manage.py", "check", DEBUG="0")
    assert done.returncode != 0
    assert "SECRET_KEY is required" in done.stderr
    host = {"ALLOWED_HOSTS": "shop.example", "CSRF_TRUSTED_ORIGINS": "https://shop.example"}
    keyed = run(checkout, "manage.py", "check", DEBUG="0", SECRET_KEY="k" * 50, **host)
    assert "DATABASE_URL is required" in keyed.stderr
