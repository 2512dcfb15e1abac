"""What the documents show is what there is."""

import re
from pathlib import Path

import pytest
from django.db import models

from orders.models import Order
from tests.house.erd import DOCUMENTS, redrawn
from tests.kit.processes import ROOT

PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_diagram_of_the_tables_is_drawn_from_the_models(document):
    text = (ROOT / document).read_text()
    assert "erDiagram" in text
    assert redrawn(text) == text, "python -m tests.house.erd draws it anew"


def test_column_that_the_diagram_lacks_would_be_noticed(monkeypatch):
    text = (ROOT / DOCUMENTS[0]).read_text()
    new = models.TextField()
    new.set_attributes_from_name("memo")
    monkeypatch.setattr(Order._meta, "concrete_fields", (*Order._meta.concrete_fields, new))
    assert redrawn(text) != text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / Path(link)).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_drawings_have_no_semicolon_which_would_end_the_statement(page):
    assert [
        drawing for drawing in re.findall(r"```mermaid.*?```", page.read_text(), re.DOTALL) if ";" in drawing
    ] == []


def test_readme_is_short_and_its_pictures_light():
    assert len((ROOT / "README.md").read_text().split()) <= 900
    pictures = re.findall(r'"(docs/\S+\.png)"', (ROOT / "README.md").read_text())
    pictures += re.findall(r'"(docs/\S+\.png)"', (ROOT / "README.ko.md").read_text())
    assert len(pictures) == 4
    assert all((ROOT / each).stat().st_size <= 250_000 for each in pictures)


EXCERPT = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)
EXCERPTS = [
    pytest.param(file, code, id=f"{page.parent.name} {code.split(chr(10))[1].strip()}")
    for page in PAGES
    for file, code in EXCERPT.findall(page.read_text())
]


def is_in_order(code: str, source: str) -> bool:
    """Whether the source has the lines of the excerpt, in their order; `...` stands for any."""
    lines = iter([line.strip() for line in source.splitlines()])
    return all(line in lines for each in code.splitlines() if (line := each.strip()) not in {"", "..."})


@pytest.mark.parametrize(("file", "code"), EXCERPTS)
def test_code_that_a_page_shows_is_the_code_that_runs(file: str, code: str):
    assert is_in_order(code, (ROOT / file).read_text())


def test_excerpt_of_other_code_would_be_noticed():
    assert len(EXCERPTS) >= 6
    assert not is_in_order("b = 2\na = 1\n", "a = 1\nb = 2\n")
