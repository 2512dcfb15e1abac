"""The ten lines by which docs/events.md checks a signature, on an event that a worker really sent."""

import json
import re
from pathlib import Path

import pytest

from products.factories import ProductFactory
from tests.clients import tools
from tests.clients.tools import MODULES, PYTHON, told
from tests.kit.client import Client
from tests.kit.platforms import SECRET, Recorder
from tests.kit.processes import ROOT, until
from tests.kit.scenes import buyer

PAGES = ["docs/events.md", "docs/ko/events.md"]
DRIVERS = {
    "python": "import json, sys\nfrom snippet import read\ngiven = json.load(sys.stdin)\n"
    'print(json.dumps(read(given["body"].encode(), given["headers"])))\n',
    "js": 'import { readFileSync } from "node:fs";\nimport { read } from "./snippet.mjs";\n'
    'const given = JSON.parse(readFileSync(0, "utf8"));\n'
    "console.log(JSON.stringify(read(given.body, given.headers)));\n",
}
PROGRAMS = {"python": (PYTHON, "snippet.py", "driver.py"), "js": ("node", "snippet.mjs", "driver.mjs")}


def snippet(page: str, language: str) -> str:
    """The code that the page shows in a language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return str(code)


@pytest.fixture
def sent(recorded: Recorder, http: Client) -> dict[str, object]:
    """A request that the platform got for a paid order."""
    http.order(buyer(http), {ProductFactory(price=10).pk: 1})
    until(lambda: recorded.attempts)
    headers, body = recorded.attempts[0]
    return {"headers": {name.lower(): value for name, value in headers.items()}, "body": body.decode()}


def read_by(language: str, page: str, request: dict[str, object], folder: Path) -> object:
    """What the page's code makes of a request."""
    program, module, driver = PROGRAMS[language]
    tools.require(program)
    (folder / module).write_text(snippet(page, language))
    (folder / driver).write_text(DRIVERS[language])
    if language == "js":
        (folder / "node_modules").symlink_to(MODULES)
    given = json.dumps(request)
    return told(tools.run(program, driver, folder=folder, given=given, DATA_PLATFORM_SECRET=SECRET))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["python", "js"])
def test_documented_lines_read_what_the_shop_signed(sent, page, language, tmp_path) -> None:
    assert read_by(language, page, sent, tmp_path)["type"] == "order.paid.v1"


@pytest.mark.parametrize("language", ["python", "js"])
def test_documented_lines_refuse_what_was_altered(sent, language, tmp_path) -> None:
    altered = {**sent, "body": str(sent["body"]).replace('"total":10', '"total":1')}
    assert altered != sent
    assert read_by(language, PAGES[0], altered, tmp_path) is None


def test_documents_of_both_languages_show_the_same_lines() -> None:
    shown = [[snippet(page, language) for language in ("python", "js", "json")] for page in PAGES]
    assert shown[0] == shown[1]
