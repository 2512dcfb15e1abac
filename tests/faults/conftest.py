"""A shop for each module, on servers of its own: whatever becomes of it hurts nobody else.

`pytest` leaves this folder out; `pytest tests/faults` or `make test-faults` runs it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.platforms import Recorder, accept, receiver, recorder
from tests.kit.processes import open_folder
from tests.kit.shop import Servers, Shop, open_shop, own_servers


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the shop's processes write."""
    with open_folder("faults") as made:
        yield made


@pytest.fixture(scope="module")
def servers(django_db_blocker, folder: Path) -> Iterator[Servers]:
    """PostgreSQL and Redis, which this process asks too."""
    with django_db_blocker.unblock(), own_servers(folder) as running:
        yield running


@pytest.fixture(scope="module")
def opened(servers: Servers, folder: Path) -> Iterator[Shop]:
    """A running shop that sends to the bundled receiver."""
    with receiver(folder) as platform, open_shop(servers=servers, platform=platform, folder=folder) as shop:
        yield shop


@pytest.fixture(scope="module")
def opened_and_recorded(servers: Servers, folder: Path) -> Iterator[Shop]:
    """A running shop that sends to a recorder."""
    with recorder() as platform, open_shop(servers=servers, platform=platform, folder=folder) as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop) -> Iterator[Shop]:
    """A whole shop; afterwards everything runs again and adds up."""
    yield opened
    opened.start()
    opened.settle()


@pytest.fixture
def recorded(opened_and_recorded: Shop) -> Iterator[Shop]:
    """A whole shop whose platform is told how to answer; afterwards everything runs again and adds up."""
    yield opened_and_recorded
    platform: Recorder = opened_and_recorded.platform
    platform.answers = accept
    opened_and_recorded.start()
    opened_and_recorded.settle()
