"""What the tests of the contract share: the real web server."""

from collections.abc import Iterator

import pytest

from tests.kit.web_server import Server, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture
def own_server() -> Iterator[Server]:
    """For tests that stop or hurt it."""
    with running_server() as running:
        yield running
