"""What the tests of the HTTP dialect share."""

import pytest

from tests.kit.client import Client


@pytest.fixture
def site(web: str) -> Client:
    """A client for what writes no rows: the database is not emptied after it."""
    return Client(web)
