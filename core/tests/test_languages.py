"""The catalogue's two languages, and which of them a reader gets."""

import re

import pytest
from rest_framework.exceptions import Throttled

from core.http.handler import problem_of
from core.problems import INPUT_ERRORS, problem_types
from tests.kit.client import Client

STATUSES = {
    "invalid": 400,
    "malformed": 400,
    "not_registered": 401,
    "untrusted_gateway": 401,
    "not_found": 404,
    "product_not_found": 404,
    "coupon_not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "too_large": 413,
    "unsupported_media_type": 415,
    "out_of_stock": 409,
    "insufficient_points": 409,
    "coupon_already_used": 409,
    "coupon_expired": 409,
    "coupon_sold_out": 409,
    "coupon_already_issued": 409,
    "coupon_not_open": 409,
    "price_changed": 409,
    "balance_overflow": 409,
    "idempotency_key_reused": 422,
    "throttled": 429,
    "busy": 503,
    "unavailable": 503,
    "internal": 500,
}
HANGUL = re.compile("[가-힣]")
FIELDS = {"title", "status", "detail", "type", "code", "request_id"}


def test_catalogue_has_the_codes_and_statuses_of_the_contract() -> None:
    assert {code: entry.status for code, entry in problem_types().items()} == STATUSES


@pytest.mark.parametrize("code", STATUSES)
def test_problem_is_worded_in_both_languages(code: str) -> None:
    entry = problem_types()[code]
    for text in (entry.title, entry.detail):
        assert HANGUL.search(text.ko)
        assert text.en
        assert not HANGUL.search(text.en)
    assert re.search(r"요$", entry.title.ko)
    assert entry.detail.ko.endswith("요.")
    assert entry.detail.en.endswith(".")


@pytest.mark.parametrize("code", INPUT_ERRORS)
def test_wrong_place_is_worded_in_both_languages(code: str) -> None:
    text = INPUT_ERRORS[code]
    assert HANGUL.search(text.ko)
    assert text.ko.endswith("요.")
    assert text.en.endswith(".")
    assert not HANGUL.search(text.en)


@pytest.mark.parametrize("code", STATUSES)
def test_problems_type_leads_to_a_page_that_explains_it_in_both_languages(site: Client, code: str) -> None:
    for language, text in (("ko", problem_types()[code].detail.ko), ("en", problem_types()[code].detail.en)):
        page = site.get(f"/problems/{code}", headers={"Accept-Language": language})
        assert (page.status, page.headers["Content-Language"]) == (200, language)
        assert page.headers["Content-Type"].startswith("text/html")
        assert "Accept-Language" in page.headers["Vary"]
        assert text in page.body.decode()
        assert code in page.body.decode()


def test_problem_stands_on_a_page_that_links_to_its_own(site: Client) -> None:
    for language in ("ko", "en"):
        page = site.get("/problems", headers={"Accept-Language": language}).body.decode()
        assert all(f'href="/problems/{code}"' in page for code in STATUSES)
        assert all(kind.title.in_language(language) in page for kind in problem_types().values())


PREFERENCES = {
    "": "ko",
    "ko": "ko",
    "en": "en",
    "EN": "en",
    "en-US": "en",
    "en-GB,ko;q=0.9": "en",
    "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7": "ko",
    "en;q=0.4,ko;q=0.6": "ko",
    "ko;q=0.4,en;q=0.6": "en",
    "fr,en;q=0.5,ko;q=0.3": "en",
    "fr,de": "ko",
    "*": "ko",
    "en;q=0": "ko",
    "english": "ko",
    "garbage;;q=;": "ko",
    "x" * 5_000: "ko",
}


@pytest.mark.parametrize(("accepted", "language"), PREFERENCES.items(), ids=[key[:40] for key in PREFERENCES])
def test_error_is_korean_unless_english_is_preferred(site: Client, accepted: str, language: str) -> None:
    problem = site.get("products?page_size=0", headers={"Accept-Language": accepted})
    assert problem.headers["Content-Language"] == language
    assert "Accept-Language" in problem.headers["Vary"]
    texts = [problem.json["title"], problem.json["detail"], problem.json["errors"][0]["detail"]]
    assert [bool(HANGUL.search(text)) for text in texts] == [language == "ko"] * 3


def test_error_without_the_language_header_is_korean(site: Client) -> None:
    problem = site.get("nothing")
    assert problem.headers["Content-Language"] == "ko"
    assert problem.json["detail"] == problem_types()["not_found"].detail.ko
    assert set(problem.json) == FIELDS


@pytest.mark.parametrize(("language", "word"), [("ko", "관리자"), ("en", "Admin")])
def test_first_page_leads_to_the_docs_and_the_admin(site: Client, language: str, word: str) -> None:
    page = site.get("/", headers={"Accept-Language": language})
    assert (page.status, page.headers["Content-Language"]) == (200, language)
    assert all(text in page.body.decode() for text in ('href="/api/docs"', 'href="/admin/"', word))


def test_throttled_caller_is_told_how_long_to_wait() -> None:
    """No rate is configured, so this asks for the problem that a throttle's exception becomes."""
    problem = problem_of(Throttled(wait=2))
    assert problem
    assert (problem.code, problem.headers) == ("throttled", {"Retry-After": "2"})
