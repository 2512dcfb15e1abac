"""docs/tour.md names files and functions that exist, and its Korean twin the same ones."""

import ast
import re

import pytest

from tests.kit.processes import ROOT

NAMED = re.compile(r"`([\w/]+\.py)(?:::([\w.]+))?`")
ENGLISH, KOREAN = ROOT / "docs" / "tour.md", ROOT / "docs" / "ko" / "tour.md"
NAMES = sorted(set(NAMED.findall(ENGLISH.read_text())))


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
def test_stop_of_the_tour_is_there(file: str, name: str):
    assert is_there(file, name)


@pytest.mark.parametrize(
    ("file", "name"),
    [("orders/service.py", ""), ("orders/services.py", "buy"), ("orders/views.py", "OrderViewSet.buy")],
)
def test_stop_that_is_gone_would_be_noticed(file: str, name: str):
    assert not is_there(file, name)


def test_tour_stops_at_the_same_places_in_both_languages():
    stops = [sorted(NAMED.findall(page.read_text())) for page in (ENGLISH, KOREAN)]
    assert stops[0] == stops[1] != []
    assert len(re.findall(r"(?m)^## \d", ENGLISH.read_text())) == 7
