"""GATEWAY_SECRET: without it in the request, nobody is who they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import nothing_written
from users.factories import UserFactory

SECRET = "게이트웨이 s3cret é"
SENT = SECRET.encode().decode("latin-1")


@pytest.fixture(scope="module")
def guarded_web(django_db_setup: None, logs: Path) -> Iterator[str]:
    """The shop with a gateway's secret that is not ASCII."""
    with processes.web(log=logs / "guarded.log", GATEWAY_SECRET=SECRET) as url:
        yield url


@pytest.fixture
def guarded(transactional_db: None, guarded_web: str) -> Client:
    """A client of that shop."""
    return Client(guarded_web)


@pytest.mark.parametrize(
    "given", [None, "", "wrong", SENT[:-1], SENT + "x", SENT.upper(), "é", "x" * 5_000, f"{SENT}, {SENT}"]
)
def test_gateway_secret_missing_or_wrong_is_refused(guarded: Client, given: str | None) -> None:
    headers = {} if given is None else {"X-Gateway-Secret": given}
    user = UserFactory()
    with nothing_written():
        answer = guarded.post("points/charges", {"amount": 1}, user=user, headers=headers)
    assert (answer.status, answer.code) == (401, "untrusted_gateway")
    assert answer.headers["WWW-Authenticate"]


def test_gateway_secret_lets_a_request_in(guarded: Client) -> None:
    answer = guarded.post(
        "points/charges", {"amount": 1}, user=UserFactory(), headers={"X-Gateway-Secret": SENT}
    )
    assert answer.status == 201


def test_gateway_secret_alone_is_no_identity(guarded: Client) -> None:
    assert guarded.get("points", headers={"X-Gateway-Secret": SENT}).code == "not_registered"


def test_gateway_secret_is_checked_before_anything_else(guarded: Client) -> None:
    assert guarded.send("DELETE", "points").code == "untrusted_gateway"
    assert guarded.get("points", headers={"X-User-Id": "0"}).code == "untrusted_gateway"


def test_secret_under_a_name_with_underscores_is_not_read(guarded: Client) -> None:
    user = UserFactory()
    assert guarded.get("points", user=user, headers={"X_Gateway_Secret": SENT}).code == "untrusted_gateway"


@pytest.mark.parametrize(
    "path", ["products", "coupons", "rankings/products", "/livez", "/readyz", "/", "/api/schema"]
)
def test_public_endpoint_ignores_the_secret(guarded: Client, path: str) -> None:
    assert guarded.get(path).status == 200
    assert guarded.get(path, headers={"X-Gateway-Secret": "wrong"}).status == 200


def test_request_without_a_configured_secret_needs_none(http: Client) -> None:
    assert http.get("points", user=UserFactory(), headers={"X-Gateway-Secret": "whatever"}).status == 200
