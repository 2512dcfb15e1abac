"""The environment variables that the shop reads, and a start with those of production."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from config.environment import SECTIONS, SETTINGS
from tests.kit.processes import ROOT

EVERY_NAME = SETTINGS
REQUIRED = {
    name
    for section in SECTIONS
    for setting in section["setting"]
    for name in setting["defaults"]
    if setting.get("required")
}
# What Python and glibc read.
PROCESS_READS = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "MALLOC_ARENA_MAX"}
# Django's, Prometheus's and Celery's own, which their processes are started with.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "REMAP_SIGTERM", "PATH"}
# OpenTelemetry's, which core/traces.py checks or sets for its library.
NOT_SETTINGS |= {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_PROPAGATORS", "OTEL_TRACES_SAMPLER_ARG"}

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "r" * 50,
    "ALLOWED_HOSTS": "shop.example",
    "CSRF_TRUSTED_ORIGINS": "https://shop.example",
    "DATABASE_URL": "postgresql://db/shop",
    "REDIS_URL": "redis://redis",
}


def start(**settings: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own."""
    hidden = {*EVERY_NAME, "DJANGO_SETTINGS_MODULE"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=ROOT,
        env={**env, **PRODUCTION, **settings},
        text=True,
        capture_output=True,
        check=False,
    )


def names_read(file: Path) -> set[str]:
    """The names of the environment variables that a file reads, or sets for others to read."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(name)), *_]):
                found.add(name)
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[ast.Constant(str(name)), *_]
            ):
                found.add(name)
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name))):
                found.add(name)
            case ast.Compare(left=ast.Constant(str(name)), comparators=[ast.Attribute(attr="environ")]):
                found.add(name)
    return found
