"""Which requests run what MIDDLEWARE lists: the admin's part of it runs for the admin alone."""

import pytest
from django.test import Client

SAFE = {"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Request-Id"}
FRAMED = SAFE | {"X-Frame-Options", "Content-Security-Policy"}
API = FRAMED | {"Allow", "Cache-Control"}
PROBLEM = {"Vary", "Cache-Control", "Content-Language"}
NOWHERE = PROBLEM | {"X-Request-Id"}  # in the place of a page of Django's
STAFF = FRAMED | {"Vary", "Cache-Control", "Content-Language", "Expires"}
BODY = {"Content-Type", "Content-Length"}

HEADERS = {
    "/api/v1/products": API,
    "/api/v1/products/1": API | PROBLEM,
    "/api/v1/nowhere": NOWHERE,
    "/nowhere": NOWHERE,
    "/livez": FRAMED,
    "/problems": FRAMED | {"Vary", "Content-Language"},
    "/api/docs": API,
    "/admin": SAFE | {"Location"},
    "/admin/": STAFF | {"Location"},
    "/admin/login/": STAFF,
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", HEADERS)
def test_request_of_every_kind_has_its_headers_whatever_cookies_come(path):
    browser = Client()
    browser.cookies.load({"sessionid": "x" * 32, "csrftoken": "x" * 32})
    answer = browser.get(path)
    assert set(answer.headers) - BODY == HEADERS[path]


@pytest.mark.django_db
@pytest.mark.parametrize("path", HEADERS)
def test_requests_to_the_admin_alone_have_session_messages_and_language(path):
    request = Client().get(path).wsgi_request
    has = {hasattr(request, name) for name in ("session", "_messages", "LANGUAGE_CODE")}
    assert has == {path.startswith("/admin")}


@pytest.mark.django_db
def test_post_to_the_admin_needs_a_token_and_one_to_the_api_does_not():
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/admin/login/").status_code == 403
    assert browser.post("/api/v1/orders", {}, content_type="application/json").status_code == 401
