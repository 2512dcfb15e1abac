"""Each English document has a Korean twin of the same shape, and they lead to each other."""

import re
from pathlib import Path

import pytest

from tests.house.commands import PAGES, documented
from tests.kit.processes import ROOT

# For the people who develop the shop, in English alone.
ENGLISH_ONLY = {Path("CHANGELOG.md"), Path("benchmarks/README.md")}


def korean_of(page: Path) -> Path:
    """Where the twin of an English document is."""
    in_docs = page.parent == Path("docs")
    return page.parent / "ko" / page.name if in_docs else page.with_suffix(".ko.md")


def is_english(page: Path) -> bool:
    return not ({"adr", "ko"} & set(page.parts) or page.name.endswith(".ko.md") or page in ENGLISH_ONLY)


TWINS = [(page, korean_of(page)) for each in PAGES if is_english(page := each.relative_to(ROOT))]


def shape(text: str) -> dict[str, list[object]]:
    """What both languages must have alike: headings, lists, blocks, tables and commands."""
    tables = re.findall(r"(?m)(?:^\|.*(?:\n|\Z))+", text)
    return {
        "parts": re.findall(r"^(#+ |- |\d+\. |```\w*)", text, re.MULTILINE),
        "tables": [
            [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in table.splitlines()] for table in tables
        ],
        "commands": sorted(set(documented(text))),
    }


@pytest.mark.parametrize(("english", "korean"), TWINS, ids=str)
def test_korean_twin_has_the_shape_of_its_english_page(english: Path, korean: Path):
    assert shape((ROOT / korean).read_text()) == shape((ROOT / english).read_text())


@pytest.mark.parametrize(("english", "korean"), TWINS, ids=str)
def test_twins_lead_to_each_other(english: Path, korean: Path):
    for page, other in ((english, korean), (korean, english)):
        links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text())
        assert ROOT / other in [(ROOT / page.parent / link).resolve() for link in links]


@pytest.mark.parametrize(
    "change",
    [
        ("## Two commands", "### Two commands"),
        ("\n## Try it\n", "\n"),
        ("| call the API |", "| call | the API |"),
        ("| receive the events | [docs/events.md](docs/events.md) |\n", ""),
        ("make run ", "make runs "),
        ("curl $API/products\n", ""),
    ],
    ids=repr,
)
def test_page_that_changed_alone_would_be_noticed(change: tuple[str, str]):
    page = (ROOT / "README.md").read_text()
    assert shape(page.replace(*change)) != shape(page)


def test_page_without_a_twin_would_be_noticed():
    assert is_english(Path("docs/new.md"))
    assert not (ROOT / korean_of(Path("docs/new.md"))).exists()
