"""What the tests of the HTTP dialect share."""

import pytest

from tests.kit.client import Client


@pytest.fixture
def site(web: str) -> Client:
    """A client for what needs no rows; much quicker than `http`, which empties the database."""
    return Client(web)
