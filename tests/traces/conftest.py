"""A shop that is traced: web and worker with the packages of locks/traces.txt beside the shop's own."""

import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.platforms import Recorder, recorder
from tests.traces.receiver import Receiver, receiver

# `make` installs them in an environment beside; every pin that both have is the same.
PACKAGES = sysconfig.get_path("purelib", vars={"base": str(Path(sys.prefix, "traces"))})
site.addsitedir(PACKAGES)


@pytest.fixture(scope="session")
def received() -> Iterator[Receiver]:
    """What the shop tells of itself."""
    with receiver() as running:
        yield running


@pytest.fixture(scope="session")
def traced(received: Receiver) -> dict[str, str]:
    """The environment by which a process is traced; it sends spans sooner than by default."""
    return {
        "PYTHONPATH": PACKAGES,
        "OTEL_EXPORTER_OTLP_ENDPOINT": received.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@pytest.fixture(scope="session")
def web(django_db_setup: None, logs: Path, traced: dict[str, str]) -> Iterator[str]:
    """The URL of a traced web server, which keeps the ranking in Redis."""
    with processes.web(log=logs / "web.log", RANKING_CACHE_SECONDS="60", **traced) as url:
        yield url


@pytest.fixture(scope="session")
def platform() -> Iterator[Recorder]:
    with recorder() as running:
        yield running


@pytest.fixture
def worker(transactional_db: None, logs: Path, traced: dict[str, str], platform: Recorder) -> Iterator[None]:
    """A traced worker, which posts to the platform."""
    with processes.worker(log=logs / "worker.log", DATA_PLATFORM_URL=platform.url, **traced):
        yield
