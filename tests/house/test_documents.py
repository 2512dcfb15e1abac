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
# docs/ko/concurrency.md alone has no English page.
TWINS = [
    (
        ROOT / "docs" / page.name
        if page.parent.name == "ko"
        else page.with_name(page.name.replace(".ko", "")),
        page,
    )
    for page in PAGES
    if (page.parent.name == "ko" or page.name.endswith(".ko.md")) and page.name != "concurrency.md"
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_the_diagram_of_the_tables_is_drawn_from_the_models(document):
    text = (ROOT / document).read_text()
    assert "erDiagram" in text
    assert redrawn(text) == text, "python -m tests.house.erd draws it anew"


def test_a_column_that_the_diagram_lacks_would_be_noticed(monkeypatch):
    text = (ROOT / DOCUMENTS[0]).read_text()
    new = models.TextField()
    new.set_attributes_from_name("memo")
    monkeypatch.setattr(Order._meta, "concrete_fields", (*Order._meta.concrete_fields, new))
    assert redrawn(text) != text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / Path(link)).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_drawing_has_a_semicolon_for_it_would_end_the_statement(page):
    assert [
        drawing for drawing in re.findall(r"```mermaid.*?```", page.read_text(), re.DOTALL) if ";" in drawing
    ] == []


@pytest.mark.parametrize(("english", "korean"), TWINS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_and_its_korean_twin_lead_to_each_other_and_have_the_same_parts(english, korean):
    texts = {page: page.read_text() for page in (english, korean)}
    for page, other in ((english, korean), (korean, english)):
        assert other in [(page.parent / link).resolve() for link in LINK.findall(texts[page])]
    parts, same = (re.findall(r"^(#+|-|```\w*) ?", text, re.MULTILINE) for text in texts.values())
    assert parts == same
