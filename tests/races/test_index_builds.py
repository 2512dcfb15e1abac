"""`manage.py migrate` and indexes built beside a running shop: two at once, and after one that was killed."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection

from tests.kit.database import execute
from tests.kit.processes import environment, process

pytestmark = pytest.mark.django_db(transaction=True)

EMPTY = "migrated_twice"
# An empty database takes it about so long, on a busy machine.
SECONDS = 120


@pytest.fixture
def empty_database() -> Iterator[dict[str, str]]:
    """The environment of processes on a database of their own."""
    ours = connection.settings_dict["NAME"]
    name = f"{ours}_{EMPTY}"
    execute(f'CREATE DATABASE "{name}"')
    try:
        env = environment()
        yield env | {"DATABASE_URL": env["DATABASE_URL"].replace(f"/{ours}?", f"/{name}?")}
    finally:
        execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_migrate_twice_at_once_on_an_empty_database_ends(empty_database, tmp_path: Path) -> None:
    logs = [tmp_path / "first", tmp_path / "second"]
    with ExitStack() as stack:
        both = [
            stack.enter_context(process("manage", "migrate", env=empty_database, log=log)) for log in logs
        ]
        assert [each.wait(SECONDS) for each in both] == [0, 0]
    said = "".join(log.read_text() for log in logs)
    assert said.count("waiting for another migrate to end") == 1
    assert said.count("No migrations to apply") == 1
