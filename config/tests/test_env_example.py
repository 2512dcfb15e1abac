"""`.env.example`, the documented settings and the code name the same environment variables."""

import ast
import re
from pathlib import Path

import pytest

CONFIG = Path(__file__).resolve().parents[1]
DOCUMENTED = [
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "GATEWAY_SECRET",
    "CORS_ALLOWED_ORIGINS",
    "DATA_PLATFORM_URL",
    "DATA_PLATFORM_SECRET",
    "EVENT_SOURCE",
    "HOST",
    "PORT",
    "WEB_CONCURRENCY",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "EMBEDDED_SERVICES",
    "SEED_DEMO",
    "COUPON_VALID_DAYS",
    "RANKING_DAYS",
    "RANKING_SIZE",
    "RANKING_CACHE_SECONDS",
]
BEHIND_A_PROXY = ["FORWARDED_ALLOW_IPS", "PREPARED_STATEMENTS"]
OPTIONAL_BY_THE_CONTRACT = ["RATE_LIMITS"]
OF_WORKER_AND_BEAT = ["METRICS_PORT", "BEAT_FILE"]
EVERY_NAME = {*DOCUMENTED, *BEHIND_A_PROXY, *OPTIONAL_BY_THE_CONTRACT, *OF_WORKER_AND_BEAT}
# Django's and Prometheus's own, which their processes are started with.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PATH"}
OWN_READERS = {"required", "service_url", "names", "required_names", "at_least", "checked", "webhook_secret"}
READERS = [*CONFIG.glob("*.py"), CONFIG.parent / "manage.py"]


def example() -> list[str]:
    return (CONFIG.parent / ".env.example").read_text().splitlines()


def names_read(file: Path) -> set[str]:
    """The names of the environment variables that a file reads, or sets for others to read."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(name)), *_]):
                found.add(name)
            case ast.Call(func=ast.Name(reader), args=[ast.Constant(str(name)), *_]) if reader in OWN_READERS:
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


def test_the_example_names_every_setting_once() -> None:
    named = [found[1] for line in example() if (found := re.match(r"(?:# )?([A-Z][A-Z_]+)=", line))]
    assert sorted(named) == sorted(EVERY_NAME)


def test_only_debug_is_set_so_that_a_copy_is_a_development_shop() -> None:
    assert [line for line in example() if line and not line.startswith("#")] == ["DEBUG=1"]


def test_every_setting_is_explained_above_it() -> None:
    text = "\n".join(example())
    for block in re.split(r"\n\n+", text):
        if re.search(r"^(# )?[A-Z_]+=", block, re.MULTILINE):
            assert re.match(r"# [A-Z`].*\w", block), block


def test_the_code_reads_no_other_variable() -> None:
    assert set().union(*map(names_read, READERS)) <= EVERY_NAME | NOT_SETTINGS


@pytest.mark.parametrize("name", sorted(EVERY_NAME))
def test_every_setting_is_read_somewhere(name: str) -> None:
    assert name in set().union(*map(names_read, READERS))
