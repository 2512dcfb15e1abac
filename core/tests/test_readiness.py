"""/readyz: which dependency is down, in one word."""

from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from tests.kit import processes
from tests.kit.client import Client


def nobody(scheme: str) -> str:
    """The address of a service that is not there, with a secret in it."""
    return f"{scheme}://shop:secret-of-this-test@127.0.0.1:{processes.free_port()}/0"


@pytest.mark.redis
def test_readiness_succeeds_with_all_servers(http: Client):
    assert http.get("/readyz").json == {"status": "ok", "database": "ok", "broker": "ok", "cache": "ok"}


@pytest.mark.redis
@pytest.mark.parametrize(("setting", "name"), [("CELERY_BROKER_URL", "broker"), ("CACHE_URL", "cache")])
def test_readiness_without_redis_is_degraded(transactional_db, logs, setting, name):
    with processes.web(log=logs / "web.log", **{setting: nobody("redis")}) as url:
        answer = Client(url).get("/readyz")
    well = {"database": "ok", "broker": "ok", "cache": "ok"}
    assert (answer.status, answer.json) == (200, {"status": "degraded", **well, name: "down"})


@pytest.mark.redis
def test_readiness_with_a_redis_that_only_reads_is_degraded(transactional_db, logs):
    """A standby that nobody promoted, or one whose rights to write were taken."""
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.acl_setuser("reader", enabled=True, nopass=True, keys="*", commands=["+@all", "-@write"])
        url = urlsplit(settings.REDIS_URL)
        reader = url._replace(netloc=f"reader:x@{url.netloc.rpartition('@')[2]}").geturl()
        try:
            with processes.web(log=logs / "web.log", CELERY_BROKER_URL=reader, CACHE_URL=reader) as shop:
                answer = Client(shop).get("/readyz")
        finally:
            server.acl_deluser("reader")
    down = {"database": "ok", "broker": "down", "cache": "down"}
    assert (answer.status, answer.json) == (200, {"status": "degraded", **down})


def test_readiness_without_database_fails_and_shows_no_secrets(transactional_db, logs):
    with processes.web(log=logs / "web.log", DATABASE_URL=nobody("postgresql")) as url:
        answer = Client(url).get("/readyz")
    assert answer.code == "unavailable"
    assert answer.json["database"] == "down"
    assert "Retry-After" in answer.headers
    assert b"secret-of-this-test" not in answer.body
    assert b"127.0.0.1" not in answer.body
    assert "secret-of-this-test" not in (logs / "web.log").read_text()
