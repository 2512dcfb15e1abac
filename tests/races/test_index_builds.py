"""`manage.py migrate` and indexes built beside a running shop: two at once, and after one that was killed."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.kit.database import execute
from tests.kit.processes import environment, process, until

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


BUILDING = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('user_by_name')"


def migrate(env: dict[str, str], log: Path, *what: str) -> int:
    with process("manage", "migrate", *what, env=env, log=log) as running:
        return running.wait(SECONDS)


@pytest.mark.parametrize("goes_on", [False, True], ids=["its session ends, too", "its session goes on"])
def test_migrate_after_one_that_was_killed_builds_the_index_anew(
    empty_database: dict[str, str],
    tmp_path: Path,
    goes_on: bool,  # noqa: FBT001
) -> None:
    env, log = empty_database, tmp_path / "log"
    assert migrate(env, log, "users", "0002") == 0
    with ThreadPoolExecutor(1) as pool, psycopg.connect(env["DATABASE_URL"], autocommit=True) as here:
        with psycopg.connect(env["DATABASE_URL"]) as reader:
            # The build waits for every snapshot that was there before it.
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")
            with process("manage", "migrate", "users", "0003", env=env, log=log) as killed:
                until(lambda: here.execute(BUILDING).fetchone())
                killed.kill()
            if not goes_on:
                here.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM ({BUILDING})")
            assert here.execute(VALID).fetchone() == (False,)
            again = pool.submit(migrate, env, log, "users", "0003")
            until(lambda: here.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        assert again.result() == 0, log.read_text()
        assert here.execute(VALID).fetchone() == (True,)


@pytest.mark.parametrize("left", ["false", "true"], ids=["invalid", "whole but not recorded"])
def test_index_that_a_killed_migrate_left_is_built_anew_whichever_it_is(left: str) -> None:
    loader = MigrationLoader(connection)
    built = [
        (migration, each)
        for migration in loader.disk_migrations.values()
        for each in migration.operations
        if isinstance(each, AddIndexConcurrently)
    ]
    assert len(built) >= 4
    for migration, each in built:
        name = each.index.name
        ((old,),) = execute(f"SELECT '{name}'::regclass::oid")
        execute(f"UPDATE pg_index SET indisvalid = {left} WHERE indexrelid = %s", old)
        state = loader.project_state((migration.app_label, migration.name))
        with connection.schema_editor(atomic=False) as editor:
            each.database_forwards(migration.app_label, editor, state, state)
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass AND indexrelid <> %s"
        assert execute(valid, name, old) == [(True,)]


def test_index_built_by_sql_replaces_what_a_killed_migrate_left() -> None:
    loader = MigrationLoader(connection)
    built = 0
    for migration in loader.disk_migrations.values():
        sql = "\n".join(loader.collect_sql([(migration, False)]))
        for name in re.findall(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (.*?) ON", " ".join(sql.split())):
            plain = name.strip('"')
            assert re.search(f'DROP INDEX CONCURRENTLY IF EXISTS "?{plain}"?;.*CREATE', sql, re.DOTALL), name
            built += 1
    assert built >= 12
