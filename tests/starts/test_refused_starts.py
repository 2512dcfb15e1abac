"""A setting that cannot be read stops every start of the shop: in words, without a traceback or a value."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.dotenv import SettingsError
from config.environment import SETTINGS, secret_key
from tests.kit.processes import ROOT, environment

SECRET = "hunter2-of-this-test"
COMMANDS = {
    "manage.py": ["manage.py", "check"],
    "web": ["-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi:application"],
    "another WSGI server": ["-c", "import config.wsgi"],
    "worker": ["-m", "celery", "-A", "config", "worker"],
    "beat": ["-m", "celery", "-A", "config", "beat"],
    "make run": ["-m", "local"],
    "tests": ["-m", "pytest", "users", "-q"],
}


@pytest.fixture
def env_file(checkout: Path) -> Iterator[Path]:
    """Where `.env` belongs; gone afterwards."""
    file = checkout / ".env"
    yield file
    file.unlink()


def start(checkout: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    ours = {*SETTINGS, "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR"}
    env = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env={**env, **settings},
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *, why: str) -> None:
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert why in said
    assert "Traceback" not in said
    assert SECRET not in said


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_line_that_cannot_be_read_stops_the_start(checkout, env_file, command):
    env_file.write_text(f"DEBUG=1\nGATEWAY_SECRET: {SECRET}\n")
    assert_refused(start(checkout, *command), why=f"{env_file.resolve()}, line 2: ")


REFUSED = {
    "REDIS_URL": (f"redis://:{SECRET}@127.0.0.1:{SECRET}/0", "REDIS_URL is no URL"),
    "DATABASE_URL": (f"postgresql://u:{SECRET}@db/shop?sslmode=x", "DATABASE_URL has a value"),
    "PROMETHEUS_MULTIPROC_DIR": ("/nowhere", "PROMETHEUS_MULTIPROC_DIR must be a folder"),
}


@pytest.mark.parametrize("command", ["web", "worker"])
@pytest.mark.parametrize("name", REFUSED)
def test_value_that_cannot_be_used_stops_the_start(checkout, command, name):
    value, why = REFUSED[name]
    assert_refused(start(checkout, *COMMANDS[command], DEBUG="1", **{name: value}), why=why)


def test_empty_name_of_a_folder_is_not_the_checkout(checkout):
    done = start(checkout, *COMMANDS["manage.py"], DEBUG="1", PROMETHEUS_MULTIPROC_DIR="")
    assert_refused(done, why="PROMETHEUS_MULTIPROC_DIR must be a folder")


def test_worker_whose_metrics_cannot_be_read_ends(transactional_db, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = {"METRICS_PORT": str(taken.getsockname()[1]), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        done = start(ROOT, *COMMANDS["worker"], "--concurrency=1", **environment(**given))
    assert_refused(done, why="METRICS_PORT: nobody can listen on 127.0.0.1")


def test_port_of_the_worker_s_metrics_needs_a_folder_of_the_worker_alone(checkout, env_file):
    env_file.write_text("DEBUG=1\nMETRICS_PORT=8001\n")
    why = "METRICS_PORT needs PROMETHEUS_MULTIPROC_DIR"
    assert_refused(start(checkout, *COMMANDS["worker"]), why=why)
    done = start(checkout, *COMMANDS["manage.py"])
    assert (done.returncode, why in done.stderr) == (0, False)


def test_key_that_cannot_be_kept_stops_the_start_of_development(tmp_path, monkeypatch):
    monkeypatch.setattr("config.environment.BASE_DIR", tmp_path)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / ".local").touch()
    with pytest.raises(SettingsError, match="SECRET_KEY is unset, and none can be kept in"):
        secret_key("SECRET_KEY", debug=True)


@pytest.mark.parametrize("command", ["shop", "stop", "reset", "password"])
def test_file_in_place_of_the_folder_is_reported(checkout, command):
    shutil.rmtree(checkout / ".local", ignore_errors=True)
    (checkout / ".local").touch()
    done = start(checkout, "-m", "local", command, SECRET_KEY="k" * 50, LC_ALL="C")
    (checkout / ".local").unlink()
    assert_refused(done, why=f"Cannot write to {checkout.resolve()}/.local: File exists")


def test_shop_is_stopped_whatever_the_file_says(checkout, env_file):
    env_file.write_text(f"GATEWAY_SECRET: {SECRET}\n")
    done = start(checkout, "-m", "local", "stop")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("command", "host"), [("web", "192.0.2.1"), ("make run", "::")])
def test_details_are_not_shown_to_the_network(checkout, command, host):
    done = start(checkout, *COMMANDS[command], DEBUG="1", HOST=host)
    assert_refused(done, why="DEBUG shows too much to the public")


def test_misspelt_setting_is_warned_of_and_the_shop_starts(checkout, env_file):
    env_file.write_text(f"DEBUG=1\nGATEWAY_SECRT='{SECRET}'\n")
    done = start(checkout, *COMMANDS["manage.py"])
    assert done.returncode == 0
    assert "GATEWAY_SECRT is no setting" in done.stderr
    assert SECRET not in done.stderr


def test_file_is_read_as_windows_writes_it(checkout, env_file):
    env_file.write_bytes(f"\ufeffDEBUG = 1\r\n  export GATEWAY_SECRET = '${SECRET}' # a remark\r\n".encode())
    shown = "from django.conf import settings; print(settings.DEBUG, len(settings.GATEWAY_SECRET))"
    done = start(checkout, "-c", shown, DJANGO_SETTINGS_MODULE="config.settings")
    assert done.stdout == f"True {len(SECRET) + 1}\n"
