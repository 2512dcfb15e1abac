"""`.env.example`, the documented settings and the code name the same environment variables."""

import re

import pytest

from tests.kit.processes import ROOT
from tests.kit.variables import EVERY_NAME, NOT_SETTINGS, names_read

READERS = [ROOT / "manage.py"] + [
    file
    for folder in ("config", "core", "local")
    for file in (ROOT / folder).rglob("*.py")
    if "tests" not in file.parts
]


def example() -> list[str]:
    return (ROOT / ".env.example").read_text().splitlines()


def test_example_names_every_setting_once() -> None:
    named = [found[1] for line in example() if (found := re.match(r"(?:# )?([A-Z][A-Z_]+)=", line))]
    assert sorted(named) == sorted(EVERY_NAME)


def test_example_sets_debug_alone_so_that_a_copy_is_a_development_shop() -> None:
    assert [line for line in example() if line and not line.startswith("#")] == ["DEBUG=1"]


def test_setting_is_explained_above_it() -> None:
    text = "\n".join(example())
    for block in re.split(r"\n\n+", text):
        if re.search(r"^(# )?[A-Z_]+=", block, re.MULTILINE):
            assert re.match(r"# [A-Z`].*\w", block), block


def test_code_reads_no_other_variable() -> None:
    assert set().union(*map(names_read, READERS)) <= EVERY_NAME | NOT_SETTINGS


@pytest.mark.parametrize("name", sorted(EVERY_NAME))
def test_setting_is_read_somewhere(name: str) -> None:
    assert name in set().union(*map(names_read, READERS))
