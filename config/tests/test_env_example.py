"""`.env.example`, the documented settings and the code name the same environment variables."""

import ast
import re
from pathlib import Path

import pytest

from config.environment import SETTINGS

CONFIG = Path(__file__).resolve().parents[1]
EVERY_NAME = SETTINGS
# Django's and Prometheus's own, which their processes are started with.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "PATH"}
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
