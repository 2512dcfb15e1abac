"""What the tests of the embedded servers share: a pair of them, running or stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.servers import EmbeddedServices
from tests.kit.processes import open_folder


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    """Not `tmp_path`: that one is closed to other accounts, which is a case of its own here."""
    with open_folder("embedded") as folder:
        yield folder


@pytest.fixture(scope="module")
def shared(folders: Path) -> Iterator[EmbeddedServices]:
    services = EmbeddedServices(folders / "shared" / ".local")
    yield services
    services.stop()


@pytest.fixture
def running(shared: EmbeddedServices) -> EmbeddedServices:
    shared.start()
    return shared


@pytest.fixture
def stopped(shared: EmbeddedServices) -> EmbeddedServices:
    shared.stop()
    return shared
