"""What the tests across apps share: platforms with a worker that sends to them, and somebody who buys."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.kit import platforms
from tests.kit.client import Client
from tests.kit.platforms import Receiver, Recorder, accept, delivering_to, recorder
from tests.kit.processes import ROOT, open_folder
from users.factories import UserFactory
from users.models import User

# Its tests hold only in the run that it is about: `make test-bare`.
collect_ignore = [] if settings.BARE else ["bare"]


@pytest.fixture(scope="module")
def platform(tmp_path_factory, django_db_setup, django_db_blocker, logs) -> Iterator[Receiver]:
    """The bundled receiver, and a worker with beat that sends to it."""
    folder = tmp_path_factory.mktemp("platform")
    with (
        django_db_blocker.unblock(),
        platforms.receiver(folder) as running,
        delivering_to(f"{running.url}/events", logs),
    ):
        yield running


@pytest.fixture(scope="module")
def recording(django_db_setup, django_db_blocker, logs) -> Iterator[Recorder]:
    """A platform that writes down every attempt, and a worker with beat that sends to it."""
    with django_db_blocker.unblock(), recorder() as running, delivering_to(running.url, logs):
        yield running


@pytest.fixture
def recorded(recording: Recorder, transactional_db) -> Iterator[Recorder]:
    """The recording platform with nothing recorded yet."""
    recording.attempts.clear()
    yield recording
    recording.answers = accept


@pytest.fixture
def buyer(http: Client) -> User:
    user = UserFactory()
    http.charge(user, 1_000_000)
    return user


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy of what a clone would have."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True
    )
    with open_folder("checkout") as folder:
        for path in filter(None, listed.split("\0")):
            if (ROOT / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, folder / path)
        yield folder
