"""What checks, metrics and the first page say of a real standby: synchronous, asynchronous, cut off."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import Client as Browser

from core.db import topology
from tests.kit.backoffice import buy
from tests.kit.database import empty_tables, execute
from tests.kit.processes import open_folder, until
from tests.kit.shop import Servers
from tests.kit.standby import Standby, open_standby


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Standby]:
    with open_folder("standby") as folder, open_standby(folder, servers) as standby:
        yield standby


@pytest.fixture
def standby(running: Standby) -> Iterator[Standby]:
    """It streams, asynchronously."""
    yield running
    running.execute("SELECT pg_wal_replay_resume()")
    execute("RESET ROLE")
    execute("RESET synchronous_commit")


@pytest.fixture
def shown(standby: Standby) -> Iterator[Standby]:
    """The shop has an order: an empty one's first page says what to do first."""
    buy()
    yield standby
    connection.close()
    empty_tables()


@contextmanager
def asked_for(running: Standby) -> Iterator[None]:
    """Commits wait for any standby inside, but those of this process do not."""
    execute("SET synchronous_commit = local")
    set_standby_names("*")
    try:
        execute("RESET synchronous_commit")
        yield
    finally:
        execute("SET synchronous_commit = local")
        set_standby_names("")
        execute("RESET synchronous_commit")


def set_standby_names(names: str) -> None:
    execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    execute("SELECT pg_reload_conf()")
    until(lambda: execute("SHOW synchronous_standby_names") == [(names,)])


def ids() -> list[str]:
    """What `check --deploy --database default` finds of the topology."""
    return [str(each.id) for each in topology.warnings(topology.read())]


def metrics() -> dict[str, float]:
    return {metric.name: metric.samples[0].value for metric in topology.collect()}


def test_asynchronous_standby_is_warned_of(standby: Standby) -> None:
    assert ids() == ["core.W001"]
    assert metrics()["shop_database_standbys"] == 1
    assert "shop_database_sync_standbys" not in metrics()


def test_synchronous_standby_is_well(standby: Standby) -> None:
    with asked_for(standby):
        until(lambda: metrics()["shop_database_sync_standbys"] == 1)
        assert ids() == []


@pytest.mark.parametrize(("value", "found"), [("off", "core.E002"), ("local", "core.W002")])
def test_asynchronous_commit_is_reported(standby: Standby, value: str, found: str) -> None:
    with asked_for(standby):
        execute(f"SET synchronous_commit = {value}")
        assert found in ids()


def test_role_that_cannot_see_standbys_is_told_so(standby: Standby) -> None:
    execute("DROP ROLE IF EXISTS plain")
    execute("CREATE ROLE plain")
    with asked_for(standby):
        execute("SET ROLE plain")
        assert ids() == ["core.W003"]
        assert metrics()["shop_database_standbys"] == 1
        assert "shop_database_sync_standbys" not in metrics()
        execute("RESET ROLE")


def test_standby_that_stands_still_lags_by_more_and_more(standby: Standby) -> None:
    standby.catch_up()
    until(lambda: metrics()["shop_database_replication_lag_seconds"] == 0)
    standby.execute("SELECT pg_wal_replay_pause()")
    execute("CREATE TABLE IF NOT EXISTS later (); DROP TABLE later")
    until(lambda: metrics()["shop_database_replication_lag_seconds"] > 1)
    standby.execute("SELECT pg_wal_replay_resume()")
    until(lambda: metrics()["shop_database_replication_lag_seconds"] == 0)


def test_standby_asked_for_and_gone_is_an_error_and_waits_are_counted(standby: Standby) -> None:
    with asked_for(standby):
        standby.stop()
        try:
            until(lambda: metrics()["shop_database_sync_standbys"] == 0)
            assert ids() == ["core.E003"]
            with pytest.raises(SystemCheckError, match="No synchronous standby"):
                call_command("check", deploy=True, databases=["default"])
            out = StringIO()
            call_command("audit", stdout=out)
            assert out.getvalue().startswith("ERROR: No synchronous standby is there")
        finally:
            standby.start()


@pytest.mark.parametrize(
    ("language", "single", "several"),
    [("en", "One server, no standby", "Replicated asynchronously"), ("ko", "서버 한 대", "비동기 복제 중")],
)
def test_first_page_shows_it_in_both_languages(
    shown: Standby, language: str, single: str, several: str
) -> None:
    browser = Browser(headers={"Accept-Language": language})
    browser.force_login(User.objects.create_superuser("admin"))
    assert several in browser.get("/admin/").content.decode()
    shown.stop()
    try:
        until(lambda: metrics()["shop_database_standbys"] == 0)
        assert single in browser.get("/admin/").content.decode()
    finally:
        shown.start()


def test_timeline_is_that_of_the_server(standby: Standby) -> None:
    ((timeline,),) = execute("SELECT timeline_id FROM pg_control_checkpoint()")
    assert metrics()["shop_database_timeline"] == timeline
