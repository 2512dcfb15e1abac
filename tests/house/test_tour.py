"""What docs/tour.md and docs/architecture.md name in the code exists; their Korean twins name the same."""

import ast
import re

import pytest

from tests.kit.processes import ROOT

NAMED = re.compile(r"`([\w/]+/\w+\.py)(?:::([\w.]+))?`")
DOCS = ROOT / "docs"
PAGES = ("tour.md", "architecture.md")
NAMES = sorted({name for page in PAGES for name in NAMED.findall((DOCS / page).read_text())})


def is_there(file: str, name: str) -> bool:
    """Whether a file defines a name; `Class.method` is one of a class."""
    if not (ROOT / file).is_file():
        return False
    body = ast.parse((ROOT / file).read_text()).body
    for part in filter(None, name.split(".")):
        found = [node for node in body if part in _defined(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def _defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_name_in_the_code_exists(file: str, name: str):
    assert is_there(file, name)


@pytest.mark.parametrize(
    ("file", "name"),
    [("orders/service.py", ""), ("orders/services.py", "buy"), ("orders/views.py", "OrderViewSet.buy")],
)
def test_name_that_is_gone_would_be_noticed(file: str, name: str):
    assert not is_there(file, name)


@pytest.mark.parametrize("page", PAGES)
def test_names_in_the_code_are_the_same_in_both_languages(page: str):
    english, korean = (sorted(NAMED.findall(path.read_text())) for path in (DOCS / page, DOCS / "ko" / page))
    assert english == korean != []


def test_tour_has_seven_stops():
    assert len(re.findall(r"(?m)^## \d", (DOCS / "tour.md").read_text())) == 7
