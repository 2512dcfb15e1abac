"""What a stranger meets: a careless start refused, headers, and a door that cannot be guessed open."""

import pytest
from django.core.cache import cache, caches
from django.views.debug import technical_500_response

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.variables import start


def test_production_configuration_starts():
    assert start(GATEWAY_SECRET="g").returncode == 0


@pytest.mark.parametrize(
    ("careless", "why"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is required"),
        ({"SECRET_KEY": "django-insecure-" + "x" * 50}, "sample or too short"),
        ({"SECRET_KEY": "secret"}, "sample or too short"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is required"),
        ({"CSRF_TRUSTED_ORIGINS": ""}, "CSRF_TRUSTED_ORIGINS is required"),
        ({"COUPON_VALID_DAYS": "0"}, "COUPON_VALID_DAYS must be 1 or more"),
        ({"RANKING_SIZE": "0"}, "RANKING_SIZE must be 1 or more"),
        ({"RANKING_CACHE_SECONDS": "-5"}, "RANKING_CACHE_SECONDS must be 0 or more"),
        ({"DATA_PLATFORM_SECRET": "whsec_!!!"}, "DATA_PLATFORM_SECRET must be"),
        ({"DATA_PLATFORM_SECRET": "nope"}, "DATA_PLATFORM_SECRET must be"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is required"),
        ({"REDIS_URL": ""}, "REDIS_URL is required"),
        ({"ALLOWED_HOSTS": "https://shop.example"}, "ALLOWED_HOSTS must list names"),
        ({"CSRF_TRUSTED_ORIGINS": "shop.example"}, "CSRF_TRUSTED_ORIGINS must list origins"),
        ({"CORS_ALLOWED_ORIGINS": "https://*.shop.example"}, "CORS_ALLOWED_ORIGINS must list origins"),
        ({"BEAT_FILE": "/nowhere/beat"}, "BEAT_FILE must be a file in a folder"),
        ({"DEBUG": "1"}, "DEBUG shows too much"),
        ({"DEBUG": "1", "ALLOWED_HOSTS": "*"}, "DEBUG shows too much"),
    ],
)
def test_unsafe_configuration_does_not_start(careless, why):
    stopped = start(**careless)
    assert stopped.returncode != 0
    assert why in stopped.stderr


def test_deployment_check_warns_without_a_gateway_secret():
    assert "users.W001" in start().stderr
    assert "users.W001" not in start(GATEWAY_SECRET="g").stderr


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/api/v1/products"])
def test_page_keeps_to_its_own_assets_and_out_of_frames(http: Client, path):
    headers = http.get(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    scripts = ["script-src 'self' 'unsafe-eval'"] if path.startswith("/admin/") else []
    assert "default-src 'self'" in policy
    assert [each for each in policy if each.startswith("script-src")] == scripts
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_needs_no_inline_script(http: Client):
    for path in ("/", "/api/docs", "/problems/busy"):
        assert b"<script>" not in http.get(path).body


def sign_in(browser, password: str) -> int:
    return browser.post("/admin/login/", {"username": "admin", "password": password}).status_code


@pytest.fixture
def guesser(client, admin_user):
    """A browser without a session; nobody has guessed before, or after."""
    admin_user.set_password("password")
    admin_user.save()
    cache.clear()
    caches["local"].clear()
    yield client
    cache.clear()


def test_sign_in_with_the_right_password_is_refused_after_five_wrong_ones(guesser):
    assert [sign_in(guesser, "wrong") for _ in range(5)] == [200] * 5
    assert sign_in(guesser, "password") == 200
    assert "_auth_user_id" not in guesser.session


def test_sign_in_succeeds_after_four_wrong_passwords(guesser):
    assert [sign_in(guesser, "wrong") for _ in range(4)] == [200] * 4
    assert sign_in(guesser, "password") == 302


def test_sign_in_attempts_are_counted_without_redis(guesser, settings):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": nobody}}
    assert [sign_in(guesser, "wrong") for _ in range(5)] == [200] * 5
    assert sign_in(guesser, "password") == 200


def test_password_in_a_url_reaches_no_error_page(rf, settings):
    secret = "redis://:password-of-this-test@redis"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = settings.DATA_PLATFORM_URL = secret
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": secret}}
    page = technical_500_response(rf.get("/", DATABASE_URL=secret), None, None, None).content.decode()
    assert "CELERY_BROKER_URL" in page
    assert "password-of-this-test" not in page


def test_secrets_reach_no_log(transactional_db, tmp_path):
    log, secret = tmp_path / "web.log", "gateway-secret-of-this-test"
    with processes.web(log=log, GATEWAY_SECRET=secret) as url:
        client = Client(url)
        assert client.get("points", headers={"X-Gateway-Secret": "wrong-secret-of-this-test"}).status == 401
        assert client.get("points", headers={"X-Gateway-Secret": secret}).status == 401
    text = log.read_text()
    assert "request_id" in text
    assert "secret-of-this-test" not in text
    assert "x" * 50 not in text
