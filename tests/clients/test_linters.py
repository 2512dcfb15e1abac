"""The document as two linters see it: no error and no warning."""

import json

import pytest

from tests.clients import tools
from tests.clients.conftest import Market


def test_redocly_finds_nothing(market: Market) -> None:
    lint = (tools.npm("redocly"), "lint", "--extends=recommended", "--format=json", market.document.name)
    found = json.loads(tools.run(*lint, folder=market.document.parent, REDOCLY_TELEMETRY="off"))
    assert found["problems"] == []


def test_spectral_finds_nothing(market: Market) -> None:
    folder = market.document.parent
    (folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    lint = (tools.npm("spectral"), "lint", "--fail-severity=hint", "--quiet", "--format=json")
    assert tools.run(*lint, market.document.name, folder=folder).startswith("[]")


@pytest.mark.parametrize("tool", ["redocly", "spectral"])
def test_linter_notices_a_path_parameter_that_is_missing(market: Market, tool: str) -> None:
    """Without this the linters might look at nothing."""
    folder = market.document.parent
    document = market.document.read_text().replace("/api/v1/orders/{id}:", "/api/v1/orders/{pk}:")
    (folder / "wrong.yaml").write_text(document)
    (folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    with pytest.raises(AssertionError, match="pk"):
        tools.run(tools.npm(tool), "lint", "wrong.yaml", folder=folder, REDOCLY_TELEMETRY="off")
