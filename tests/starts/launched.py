"""`make run` as a process, in a checkout of its own: what it prints, and what it starts."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import urllib3

from core.embedded.processes import command_lines
from core.embedded.servers import EmbeddedServices
from tests.kit.processes import free_port, session_of, until
from tests.kit.variables import EVERY_NAME

MANAGER = "supervisor.supervisord"
# As on a machine where crashes leave dumps.
KEEPS_DUMPS = 'ulimit -c "$(ulimit -Hc)"; exec "$@"'
PROGRAMS = {
    "web": "-m gunicorn",
    "worker": "config worker",
    "beat": "config beat",
    "receiver": "receive_events",
}


class Run:
    """The launcher in a checkout, and what it prints."""

    def __init__(self, checkout: Path, *, port: int, **settings: str) -> None:
        hidden = {*EVERY_NAME, "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR"}
        env = {name: value for name, value in os.environ.items() if name not in hidden}
        self.checkout = checkout
        self.port = port
        self.said = ""
        self.process = subprocess.Popen(
            ["sh", "-c", KEEPS_DUMPS, "sh", sys.executable, "-m", "local"],
            cwd=checkout,
            env={**env, "LC_ALL": "C", "PORT": str(port), "WEB_CONCURRENCY": "1", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said += line

    def until_open(self) -> None:
        until(lambda: "Ctrl-C here closes" in self.said or self.process.poll() is not None, seconds=60)
        assert self.process.poll() is None, self.said

    def end(self, sort: signal.Signals) -> int:
        self.process.send_signal(sort)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(timeout=30)
        self.listener.join()
        return code

    def manager(self) -> int:
        configuration = f"--configuration={self.checkout}/local/supervisord.conf"
        mark = f"{MANAGER} {configuration} --pidfile={self.checkout}/.local/run-{self.port}/"
        return next((pid for pid, command in command_lines().items() if mark in command), 0)

    def programs(self) -> dict[str, int]:
        """The processes that the manager started, by name."""
        manager = self.manager()
        found = {}
        for pid, command in command_lines().items():
            for name, mark in PROGRAMS.items():
                if mark in command and is_child(pid, manager):
                    found[name] = pid
        return found

    def processes(self) -> list[str]:
        """Whatever runs on behalf of this checkout."""
        tag = EmbeddedServices(self.checkout / ".local").tag
        marks = (tag, f"{self.checkout}/")
        return [line for line in command_lines().values() if any(mark in line for mark in marks)]

    def session(self) -> list[int]:
        manager = self.manager()
        return [pid for pid, line in command_lines().items() if line and session_of(pid) == manager]

    def events(self) -> str:
        file = self.checkout / ".local" / "events.jsonl"
        return file.read_text() if file.exists() else ""

    def log(self) -> str:
        return (self.checkout / ".local" / f"run-{self.port}" / "shop.log").read_text()

    def try_example(self) -> int:
        """Send what the printed commands send; the id of the order."""
        charge, order = (shlex.split(line) for line in re.findall(r"^ +(curl .*)$", self.said, re.MULTILINE))
        assert send(charge).status == 201
        return int(send(order).json()["id"])


def is_child(pid: int, parent: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(parent)
    except FileNotFoundError:
        return False


def send(curl: list[str]) -> urllib3.BaseHTTPResponse:
    headers = dict(value.split(": ") for option, value in pairwise(curl) if option == "-H")
    url = next(part for part in curl if part.startswith("http://"))
    return urllib3.request("POST", url, headers=headers, body=curl[curl.index("-d") + 1], retries=False)


@contextmanager
def running(checkout: Path, **settings: str) -> Iterator[Run]:
    run = Run(checkout, port=free_port(), **settings)
    try:
        run.until_open()
        yield run
    finally:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)
