"""/readyz: which dependency is down, in one word."""

import pytest

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


def test_readiness_without_database_fails_and_shows_no_secrets(transactional_db, logs):
    with processes.web(log=logs / "web.log", DATABASE_URL=nobody("postgresql")) as url:
        answer = Client(url).get("/readyz")
    assert answer.code == "unavailable"
    assert answer.json["database"] == "down"
    assert "Retry-After" in answer.headers
    assert b"secret-of-this-test" not in answer.body
    assert b"127.0.0.1" not in answer.body
    assert "secret-of-this-test" not in (logs / "web.log").read_text()
