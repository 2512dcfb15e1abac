"""`.env.example` and docs/settings.md say what config/settings.toml says."""

import pytest

from config.environment import SECTIONS
from tests.house.settings import EXAMPLE, PAGES, rewritten
from tests.kit.processes import ROOT

FILES = [EXAMPLE, *PAGES.values()]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_settings_are_written_from_one_list(file):
    assert rewritten(file) == (ROOT / file).read_text(), "make settings writes it"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_default_that_differs_in_the_list_would_be_noticed(file, monkeypatch):
    monkeypatch.setitem(SECTIONS[0]["setting"][0]["defaults"], "DEBUG_MORE", "2")
    assert rewritten(file) != (ROOT / file).read_text()
