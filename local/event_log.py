"""The events that the bundled receiver took, in a file."""

import json
import os
import threading
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog

NEWEST = 20
REQUIRED = ("specversion", "id", "source", "type")

log = structlog.get_logger(__name__)


class Refused(Exception):
    """The request is answered with `status` and the reason."""

    def __init__(self, reason: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(reason)
        self.status = status


class EventLog:
    """The events taken, one JSON line each; those already in the file are known."""

    def __init__(self, *, file: Path) -> None:
        self.file = file
        self.newest: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        self.ids: set[str] = set()
        self._turn = threading.Lock()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            file.chmod(0o600)
            self._read()

    def add(self, *, event: dict[str, Any]) -> bool:
        """Keep an event; False where it is known. Raises Refused; OSError where it cannot be written."""
        try:
            line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        except UnicodeEncodeError as error:
            raise Refused(f"a text is none in UTF-8: {error.reason}") from error
        with self._turn:
            if event["id"] in self.ids:
                return False
            # Unbuffered and appending: the whole line goes to the file in one piece, at once.
            with open(self.file, "ab", buffering=0, opener=_private) as output:
                output.write(line)
            self._remember(event)
            return True

    def _read(self) -> None:
        text = self.file.read_bytes()
        for line in text.splitlines():
            try:
                self._remember(parse_event(body=line))
            except Refused:
                log.warning("line_ignored", file=str(self.file), line=line[:80].decode(errors="replace"))
        if text and not text.endswith(b"\n"):  # a killed writer's last line
            with self.file.open("ab") as output:
                output.write(b"\n")

    def _remember(self, event: dict[str, Any]) -> None:
        self.ids.add(event["id"])
        self.newest.append(event)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def parse_event(*, body: bytes) -> dict[str, Any]:
    """The CloudEvent in a body. Raises Refused."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"this is not JSON: {error}") from error
    if not isinstance(event, dict):
        raise Refused("a CloudEvent is a JSON object")
    if missing := [name for name in REQUIRED if not (isinstance(event.get(name), str) and event[name])]:
        raise Refused(f"a CloudEvent has the texts {', '.join(missing)}")
    if event["specversion"] != "1.0":
        raise Refused("this is not CloudEvents 1.0")
    return event
