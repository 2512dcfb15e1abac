"""`.env.example` and docs/settings.md say what config/setting_list.py says."""

from dataclasses import replace

import pytest

from config import setting_list
from tests.house.settings import EXAMPLE, PAGES, rewritten
from tests.kit.processes import ROOT

FILES = [EXAMPLE, *PAGES.values()]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_settings_are_written_from_one_list(file):
    assert rewritten(file) == (ROOT / file).read_text(), "make settings writes it"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_default_that_differs_in_the_list_would_be_noticed(file, monkeypatch):
    title, (first, *others) = next(iter(setting_list.SECTIONS.items()))
    named = replace(first, defaults={**first.defaults, "DEBUG_MORE": "2"})
    monkeypatch.setitem(setting_list.SECTIONS, title, (named, *others))
    assert rewritten(file) != (ROOT / file).read_text()
