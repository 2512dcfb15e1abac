"""docker-compose.yml and the Dockerfile, read as a container engine would read them."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.kit.processes import ROOT

# The values that an operator puts into .env.production.
GIVEN = {
    "SECRET_KEY": "p" * 50,
    "ALLOWED_HOSTS": "shop.example",
    "CSRF_TRUSTED_ORIGINS": "https://shop.example",
    "GATEWAY_SECRET": "only-the-gateway-knows",
    "POSTGRES_PASSWORD": "letters4and5digits",
    "REDIS_PASSWORD": "other6letters7and8digits",
    "DATA_PLATFORM_URL": "http://127.0.0.1:9/events",
    "DATA_PLATFORM_SECRET": "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==",
}
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<sort>[?-])(?P<rest>[^}]*))?\}")


class NotGiven(Exception):
    """A variable with `:?` has no value."""


@dataclass(frozen=True)
class Image:
    """What the Dockerfile's last stage leaves."""

    environment: Mapping[str, str]
    user: str
    command: list[str]
    healthcheck: list[str]
    prepared_by: list[str]  # its RUN lines


@dataclass(frozen=True)
class Service:
    """One service with everything resolved."""

    name: str
    environment: Mapping[str, str]
    command: list[str]
    healthcheck: list[str]  # empty: none
    profiles: list[str] = field(default_factory=list)
    user: str = ""
    tmpfs: list[str] = field(default_factory=list)
    read_only: bool = False
    stop_signal: str = "SIGTERM"
    stop_grace_seconds: int = 10


def image() -> Image:
    """The Dockerfile, read."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text())
    last = re.split(r"(?m)^FROM .*\n", re.sub(r"\s*\\\n\s*", " ", text))[-1]
    said = [tuple(line.split(" ", 1)) for line in last.splitlines() if line]
    environment = dict(
        pair.split("=", 1) for word, rest in said if word == "ENV" for pair in shlex.split(rest)
    )
    (user,) = (rest for word, rest in said if word == "USER")
    (command,) = (json.loads(rest) for word, rest in said if word == "CMD")
    (health,) = (rest.partition("CMD ")[2] for word, rest in said if word == "HEALTHCHECK")
    runs = [rest for word, rest in said if word == "RUN"]
    return Image(environment, user, command, json.loads(health), runs)


@cache
def document() -> dict[str, Any]:
    """docker-compose.yml as it stands."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


def services(**given: str) -> dict[str, Service]:
    """Every service, with the variables of an operator. Raises NotGiven."""
    return {name: _service(name, said, {**GIVEN, **given}) for name, said in document()["services"].items()}


def _service(name: str, said: Mapping[str, Any], given: Mapping[str, str]) -> Service:
    ours = image() if "build" in said else None
    environment = dict(ours.environment) if ours else {}
    for key, value in said.get("environment", {}).items():
        if value is not None:
            environment[key] = resolved(value, given)
        elif key in given:
            environment[key] = given[key]
    return Service(
        name=name,
        environment=environment,
        command=[resolved(part, given) for part in said.get("command", ours.command if ours else [])],
        healthcheck=_healthcheck(said, ours),
        profiles=said.get("profiles", []),
        user=said.get("user", ours.user if ours else ""),
        tmpfs=[path.partition(":")[0] for path in said.get("tmpfs", [])],
        read_only=said.get("read_only", False),
        stop_signal=said.get("stop_signal", "SIGTERM"),
        stop_grace_seconds=int(said.get("stop_grace_period", "10s").removesuffix("s")),
    )


def _healthcheck(said: Mapping[str, Any], ours: Image | None) -> list[str]:
    check = said.get("healthcheck", {"test": ["CMD", *ours.healthcheck]} if ours else {})
    return [] if check.get("disable") or not check else check["test"][1:]


def resolved(text: str, given: Mapping[str, str]) -> str:
    """A value with its variables filled in. Raises NotGiven."""

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        value = given.get(found["name"], "")
        if not value and found["sort"] == "?":
            raise NotGiven(found["name"])
        return value or (found["rest"] or "")

    return VARIABLE.sub(fill, str(text))


def is_copied(path: Path, said: str = (ROOT / ".dockerignore").read_text()) -> bool:
    """Whether `COPY . .` takes a file of the checkout, by .dockerignore: the last pattern that fits counts.

    A builder enters a folder that is left out only where an exception begins with its name.
    """
    patterns = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("#")]
    exceptions = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    folders = [*reversed(path.parents)][1:]
    closed = any(
        not _is_taken(folder, patterns) and not any(each.startswith(f"{folder}/") for each in exceptions)
        for folder in folders
    )
    return not closed and _is_taken(path, patterns)


def _is_taken(path: Path, patterns: Sequence[str]) -> bool:
    taken = True
    for pattern in patterns:
        fits = _expression(pattern.removeprefix("!"))
        if any(fits.fullmatch(str(each)) for each in [path, *path.parents][:-1]):
            taken = pattern.startswith("!")
    return taken


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's filepath.Match, with Docker's ** for any number of folders."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern.strip("/"))
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts))
