"""`.env.example` and the tables of docs/settings.md, written from config/settings.toml.

`python -m tests.house.settings` does it. What stands before the first section of a file is by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import Any

from config.environment import SECTIONS
from tests.kit.processes import ROOT

EXAMPLE = Path(".env.example")
PAGES = {"en": Path("docs/settings.md"), "ko": Path("docs/ko/settings.md")}
FIRST_SECTION = re.compile(r"^(# --- |## )", re.MULTILINE)
HEADS = {"en": ("name", "default", "meaning", "none"), "ko": ("이름", "기본값", "의미", "없음")}
# A copy of the example is a development shop.
SET = {"DEBUG": "1"}


def example() -> Iterator[str]:
    """The lines of `.env.example`, in English."""
    for section in SECTIONS:
        yield f"# --- {section['en'].replace('`', '')} ".ljust(110, "-")
        yield ""
        for setting in section["setting"]:
            yield from wrap(setting["en"].strip(), 110, initial_indent="# ", subsequent_indent="# ")
            for name, default in setting["defaults"].items():
                yield f"{name}={SET[name]}" if name in SET else f"# {name}={default}"
            yield ""


def page(language: str) -> Iterator[str]:
    """The lines of docs/settings.md in a language: a table a section."""
    *heads, none = HEADS[language]
    for section in SECTIONS:
        yield from (f"## {section[language]}", "", f"| {' | '.join(heads)} |", "|---|---|---|")
        yield from (_row(setting, language, none) for setting in section["setting"])
        yield ""


def _row(setting: dict[str, Any], language: str, none: str) -> str:
    names = ", ".join(f"`{name}`" for name in setting["defaults"])
    defaults = [f"`{default}`" for default in setting["defaults"].values() if default]
    return f"| {names} | {', '.join(defaults) or none} | {' '.join(setting[language].split())} |"


def rewritten(file: Path) -> str:
    """A file with its sections as they are in the code."""
    languages = {path: language for language, path in PAGES.items()}
    lines = example() if file == EXAMPLE else page(languages[file])
    by_hand = FIRST_SECTION.split((ROOT / file).read_text())[0]
    return by_hand + "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    for each in (EXAMPLE, *PAGES.values()):
        (ROOT / each).write_text(rewritten(each))
