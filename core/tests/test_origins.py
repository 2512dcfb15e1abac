"""What browsers of other origins may send and read."""

from typing import Any

import pytest
from django.test import Client

APP = "https://app.example"
SENT = ["content-type", "idempotency-key", "accept-language", "authorization", "traceparent", "tracestate"]
READ = {"Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"}


@pytest.fixture
def browser(settings: Any) -> Client:
    """It asks a shop that lets the pages of APP in."""
    settings.CORS_ALLOWED_ORIGINS = [APP]
    first, *others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [first, "corsheaders.middleware.CorsMiddleware", *others]
    return Client()


def preflight(browser: Client, origin: str) -> dict[str, str]:
    """What the browser is told before it sends an order for a page."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    headers["Access-Control-Request-Headers"] = ",".join(SENT)
    answer = browser.options("/api/v1/orders", headers=headers)
    return {name.lower(): value for name, value in answer.headers.items()}


def test_allowed_origin_may_send_the_api_s_headers(browser: Client) -> None:
    told = preflight(browser, APP)
    assert told["access-control-allow-origin"] == APP
    assert set(SENT) <= set(told["access-control-allow-headers"].split(", "))
    assert "POST" in told["access-control-allow-methods"].split(", ")
    assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/../x", "/api/v1/products/0"])
def test_origin_that_is_allowed_may_read_errors_and_their_headers(browser: Client, path: str) -> None:
    answer = browser.get(path, headers={"Origin": APP})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (404, APP)
    assert set(answer["Access-Control-Expose-Headers"].split(", ")) == READ
    assert "origin" in answer["Vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://app.example", f"{APP}.evil.example"]
)
def test_origin_that_is_not_allowed_may_read_nothing(browser: Client, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(browser, origin)
    answer = browser.get("/api/v1/nothing", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer
