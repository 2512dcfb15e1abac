"""The shop's processes, started as an operator would start them, against the test database."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import urllib3
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
# Emptied rather than left out: `.env` would fill the gap.
OPTIONAL = {
    "DEBUG": "0",
    "EMBEDDED_SERVICES": "0",
    "DATABASE_REPLICA_URL": "",
    "GATEWAY_SECRET": "",
    "DATA_PLATFORM_URL": "",
    "DATA_PLATFORM_SECRET": "",
    "EVENT_SOURCE": "",
    "HOST": "127.0.0.1",
    "WEB_CONCURRENCY": "2",
}


def until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> object:
    """Wait for a condition and return its value. Raises AssertionError when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not true within {seconds} s: {condition}")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def session_of(pid: int) -> int:
    """The id of a process's session; 0 where the process is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def environment(**more: str) -> dict[str, str]:
    """What a process of the shop needs to share the test's database and Redis."""
    database = connection.settings_dict
    options = database["OPTIONS"]
    host = options.get("host") or database["HOST"]
    port = options.get("port") or database["PORT"] or 5432
    secret = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
    url = f"postgresql://{database['USER']}{secret}@/{database['NAME']}?host={host}&port={port}"
    shop = {"DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL, "SECRET_KEY": "x" * 50}
    hosts = {
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "CSRF_TRUSTED_ORIGINS": "https://shop.example",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    ours = {name: value for name, value in os.environ.items() if name != "DEBUG"}
    return {**ours, **shop, **hosts, **({} if settings.BARE else OPTIONAL), **more}


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A folder until the block ends, which other accounts can enter too: pytest's `tmp_path` they cannot."""
    with tempfile.TemporaryDirectory(prefix=f"{prefix}-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def process(
    *command: str, env: Mapping[str, str], log: Path, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the shop's virtual environment; ended, with its children, when the block ends."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=cwd,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        end(running)


def end(running: "subprocess.Popen[bytes]") -> None:
    """Ask a process to stop, and kill it where it takes longer than a worker's soft shutdown may."""
    running.terminate()
    try:
        running.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@contextmanager
def web(*, log: Path, cwd: Path = ROOT, **env: str) -> Iterator[str]:
    """The web server of the checkout at `cwd`; its URL, once it answers."""
    port = str(free_port())
    gunicorn = ("gunicorn", "-c", "config/gunicorn.py", "config.wsgi:application")
    with process(*gunicorn, env=environment(PORT=port, **env), log=log, cwd=cwd) as running:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(url) or _fail_if_ended(running, log))
        yield url


# A worker as tests run one.
WORKER = ("celery", "-A", "config", "worker", "--loglevel=INFO", "--concurrency=2")


@contextmanager
def worker(*, log: Path, beat: bool = True, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker, with beat in it unless told otherwise; ready for messages."""
    size = log.stat().st_size if log.exists() else 0
    with process(*WORKER, *(["-B"] if beat else []), env=environment(**env), log=log) as running:
        until(lambda: b" ready." in log.read_bytes()[size:] or _fail_if_ended(running, log))
        yield running


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/livez", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _fail_if_ended(running: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert running.poll() is None, log.read_text()[-3000:]
    return False
