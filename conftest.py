"""What the tests of every app share: a running shop, and a client of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import TransactionTestCase

from tests.kit import processes
from tests.kit.client import Client
from tests.kit.database import empty_tables

# What a terminal is told is tested in English, also by whoever has a Korean one; its encoding stays.
if everything := os.environ.pop("LC_ALL", ""):
    os.environ["LC_CTYPE"] = everything
os.environ["LC_MESSAGES"] = "C"


@pytest.fixture(scope="session", autouse=True)
def emptying() -> Iterator[None]:
    """Let what commits be followed by `empty_tables()`, where Django truncates and makes permissions anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _test: empty_tables())
        yield


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shop's processes write."""
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def web(django_db_setup: None, logs: Path) -> Iterator[str]:
    """The URL of a running web server on the test database, with contract defaults."""
    with processes.web(log=logs / "web.log") as url:
        yield url


@pytest.fixture
def http(transactional_db: None, web: str) -> Client:
    """A client of the running shop; the database is empty before and after."""
    return Client(web)


@pytest.fixture(autouse=True)
def nothing_suspected() -> None:
    """A lock that a test waited for in vain makes this process look for commits that no standby confirms."""
    from core.db import confirmation  # noqa: PLC0415 - needs Django set up

    confirmation._suspected.clear()  # noqa: SLF001


@pytest.fixture
def admin_user(db: None) -> User:
    """The superuser of `admin_client`, without a password: to hash one takes longer than most tests."""
    return User.objects.create_superuser("admin")
