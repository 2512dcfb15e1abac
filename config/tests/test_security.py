"""What a stranger meets: a careless start refused, headers, and a door that cannot be guessed open."""

import pytest
from django.core.cache import cache, caches
from django.views.debug import technical_500_response

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.variables import start


def test_a_production_configuration_starts():
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
        ({"DEBUG": "1"}, "DEBUG shows too much"),
        ({"DEBUG": "1", "ALLOWED_HOSTS": "*"}, "DEBUG shows too much"),
    ],
)
def test_a_careless_configuration_does_not_start(careless, why):
    stopped = start(**careless)
    assert stopped.returncode != 0
    assert why in stopped.stderr


def test_without_a_gateway_secret_the_deployment_check_warns():
    assert "users.W001" in start().stderr
    assert "users.W001" not in start(GATEWAY_SECRET="g").stderr


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/api/v1/products"])
def test_every_page_keeps_to_its_own_assets_and_out_of_frames(http: Client, path):
    headers = http.get(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    scripts = ["script-src 'self' 'unsafe-eval'"] if path.startswith("/admin/") else []
    assert "default-src 'self'" in policy
    assert [each for each in policy if each.startswith("script-src")] == scripts
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_needs_a_script_inside_it(http: Client):
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


def test_after_five_wrong_passwords_the_right_one_is_refused_too(guesser):
    assert [sign_in(guesser, "wrong") for _ in range(5)] == [200] * 5
    assert sign_in(guesser, "password") == 200
    assert "_auth_user_id" not in guesser.session


def test_four_wrong_passwords_are_forgiven(guesser):
    assert [sign_in(guesser, "wrong") for _ in range(4)] == [200] * 4
    assert sign_in(guesser, "password") == 302


def test_guessing_is_counted_while_redis_is_away_too(guesser, settings):
    nobody = f"redis://127.0.0.1:{processes.free_port()}/0"
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": nobody}}
    assert [sign_in(guesser, "wrong") for _ in range(5)] == [200] * 5
    assert sign_in(guesser, "password") == 200


def test_no_password_in_a_url_reaches_an_error_page(rf, settings):
    secret = "redis://:password-of-this-test@redis"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = settings.DATA_PLATFORM_URL = secret
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": secret}}
    page = technical_500_response(rf.get("/", DATABASE_URL=secret), None, None, None).content.decode()
    assert "CELERY_BROKER_URL" in page
    assert "password-of-this-test" not in page


def test_no_secret_reaches_a_log(transactional_db, tmp_path):
    log, secret = tmp_path / "web.log", "gateway-secret-of-this-test"
    with processes.web(log=log, GATEWAY_SECRET=secret) as url:
        client = Client(url)
        assert client.get("points", headers={"X-Gateway-Secret": "wrong-secret-of-this-test"}).status == 401
        assert client.get("points", headers={"X-Gateway-Secret": secret}).status == 401
    text = log.read_text()
    assert "request_id" in text
    assert "secret-of-this-test" not in text
    assert "x" * 50 not in text
