"""The OpenAPI document over HTTP."""

from typing import Any

import pytest

from core.http import documents
from core.http.documents import SchemaView
from core.http.schema import EnglishGenerator
from tests.kit.processes import ROOT

YAML, JSON = "application/vnd.oai.openapi", "application/vnd.oai.openapi+json"


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Grows by an element each time that the document is made; none is kept from before."""
    times: list[str] = []

    class Counting(EnglishGenerator):
        def get_schema(self, *args: Any, **kwargs: Any) -> Any:
            times.append("made")
            return super().get_schema(*args, **kwargs)

    monkeypatch.setattr(SchemaView, "generator_class", Counting)
    documents._document.cache_clear()
    documents._rendered.cache_clear()
    return times


def test_document_is_made_once_and_rendered_once_in_each_format(client, made):
    answers = [client.get("/api/schema", headers={"Accept": kind}) for kind in (YAML, JSON, YAML, JSON)]
    assert made == ["made"]
    assert documents._rendered.cache_info().misses == 2
    assert answers[0].content == answers[2].content != answers[1].content == answers[3].content


def test_document_is_the_one_that_is_checked_in(client):
    answer = client.get("/api/schema")
    assert answer.content.decode() == (ROOT / "docs" / "openapi.yaml").read_text()
    assert answer["Content-Type"] == f"{YAML}; charset=utf-8"
    assert answer["Content-Disposition"] == 'inline; filename="pointshop.yaml"'
    assert answer["Cache-Control"] == "no-store"
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("query", ["lang=ko", "lang=%00", "lang=../..", "version=9", "version=%0d%0a"])
def test_document_is_the_same_after_other_requests(client, query):
    assert client.get(f"/api/schema?{query}").content == client.get("/api/schema").content


def test_format_that_is_not_offered_is_refused(client):
    assert client.get("/api/schema", headers={"Accept": "text/html"}).status_code == 406
