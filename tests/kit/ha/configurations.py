"""The files of deploy/ha as a machine has them, filled in, and with paths that a test may use."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tests.kit.processes import ROOT

DEPLOY = ROOT / "deploy" / "ha"
SECRETS = {
    "PATRONI_RESTAPI_PASSWORD": "rest-word",
    "PATRONI_SUPERUSER_PASSWORD": "super-word",
    "PATRONI_REPLICATION_PASSWORD": "replication-word",
    "PATRONI_REWIND_PASSWORD": "rewind-word",
}


def filled_in(name: str, changes: Mapping[str, str]) -> str:
    """A file with these texts in place of others. Raises AssertionError for one that it does not have."""
    text = (DEPLOY / name).read_text()
    for old, new in changes.items():
        assert old in text, (name, old)
        text = text.replace(old, new)
    return text


def write(folder: Path, name: str, changes: Mapping[str, str]) -> Path:
    """A file filled in, for everybody to read."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(filled_in(name, changes))
    path.chmod(0o644)
    return path


def environment_of(name: str, machine: str, changes: Mapping[str, str] = {}) -> dict[str, str]:
    """An environment file of db1 as another machine has it: its first three lines name that one."""
    lines = re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", filled_in(name, changes))
    own = [(key, value.replace("db1", machine)) for key, value in lines[:3]]
    return {key: SECRETS.get(key, value) for key, value in [*own, *lines[3:]]}


def give_to(path: Path, uid: int) -> Path:
    """A folder that belongs to this account alone."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    os.chown(path, uid, uid)
    return path
