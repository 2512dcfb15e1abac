"""Reads from a real standby: which ones, how old they may be, and who serves them where it cannot."""

from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client as Browser

from core.db import replica
from core.db.replica import REPLICA, read_from_replica
from products.models import Product
from tests.kit.backoffice import buy
from tests.kit.database import empty_tables, execute
from tests.kit.files import COUPONS, MEMBERS, PRODUCTS, fetch
from tests.kit.processes import open_folder, until
from tests.kit.routes import routes
from tests.kit.shop import Servers
from tests.kit.standby import Standby, open_standby

BEST_SELLERS = "/api/v1/rankings/products"
READ_THERE = {BEST_SELLERS, "/admin/"}
METHODS = ("get", "post")


@pytest.fixture(scope="module")
def running(servers: Servers) -> Iterator[Standby]:
    with open_folder("standby") as folder, open_standby(folder, servers) as running:
        yield running


@pytest.fixture
def standby(running: Standby, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standby]:
    """It streams and has everything; nothing that is learned of it is kept."""
    monkeypatch.setattr(replica, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(replica, "ASKED_EVERY_SECONDS", 0)
    if running.execute("SELECT pg_is_in_recovery()") != [(True,)]:
        running.renew()
    running.execute("SELECT pg_wal_replay_resume()")
    running.forget_statements()
    yield running
    connection.close()
    connections[REPLICA].close()
    empty_tables()


@pytest.fixture
def browser(standby: Standby) -> Browser:
    """Of staff who may do everything."""
    browser = Browser()
    browser.force_login(User.objects.create_superuser("admin"))
    return browser


def best_sellers(browser: Browser) -> Any:
    return browser.get(BEST_SELLERS).json()


def sold(browser: Browser) -> list[int]:
    return [each["product_id"] for each in best_sellers(browser)["results"]]


def set_on(standby: Standby, name: str, value: str) -> None:
    standby.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    standby.execute("SELECT pg_reload_conf()")


def passed_over(reason: str) -> float:
    return replica.PASSED_OVER.labels(reason)._value.get()


def test_standby_is_read_by_the_best_sellers_the_first_page_and_exports_alone(
    standby: Standby, browser: Browser
) -> None:
    buy()
    standby.catch_up()
    read_there = set()
    for path in routes(admin=False) + routes(admin=True):
        if path.endswith("/logout/"):
            continue
        for method in METHODS:
            before = len(standby.statements())
            getattr(browser, method)(path, headers={"X-User-Id": "1"})
            if len(standby.statements()) > before:
                read_there.add(path)
    assert read_there == READ_THERE


@pytest.mark.parametrize("table", [PRODUCTS, MEMBERS, COUPONS, "orders_order"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_reads_the_rows_on_the_standby(
    standby: Standby, browser: Browser, table: str, kind: str
) -> None:
    buy()
    standby.catch_up()
    content = fetch(browser, table, kind)
    assert content
    asked = [each for each in standby.statements() if f'FROM "{table}"' in each]
    assert any("DECLARE" in each for each in asked)


@pytest.mark.parametrize("command", [["audit"], ["recompute_rankings", "--check"]])
def test_command_that_recounts_does_so_on_the_standby(standby: Standby, command: list[str]) -> None:
    buy()
    standby.catch_up()
    call_command(*command, stdout=StringIO())
    assert any('FROM "orders_orderitem"' in each for each in standby.statements())


def test_audit_with_the_platform_s_file_reads_the_primary(standby: Standby, tmp_path: Any) -> None:
    (tmp_path / "events.jsonl").touch()
    call_command("audit", events=tmp_path / "events.jsonl", stdout=StringIO())
    assert not any("orders_orderevent" in each for each in standby.statements())


def test_best_sellers_of_a_standby_that_stands_still_are_those_of_their_as_of(
    standby: Standby, browser: Browser
) -> None:
    first = buy()
    standby.catch_up()
    standby.execute("SELECT pg_wal_replay_pause()")
    ((paused_at,),) = execute("SELECT clock_timestamp()")
    buy()
    found = best_sellers(browser)
    assert [each["product_id"] for each in found["results"]] == [first.pk]
    assert datetime.fromisoformat(found["as_of"]) < paused_at
    standby.execute("SELECT pg_wal_replay_resume()")
    standby.catch_up()
    assert datetime.fromisoformat(best_sellers(browser)["as_of"]) > paused_at
    assert len(sold(browser)) == 2


def test_standby_of_an_idle_primary_is_near_however_old_its_last_commit(
    standby: Standby, browser: Browser, settings: Any
) -> None:
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 1
    buy()
    standby.catch_up()
    execute("SELECT pg_sleep(1.5)")
    lagging = passed_over("lagging")
    assert sold(browser)
    assert passed_over("lagging") == lagging


def test_standby_that_lags_is_passed_over(standby: Standby, browser: Browser, settings: Any) -> None:
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 1
    standby.catch_up()
    standby.execute("SELECT pg_wal_replay_pause()")
    late = buy()
    until(lambda: sold(browser) == [late.pk], seconds=5)
    assert passed_over("lagging") >= 1
    standby.execute("SELECT pg_wal_replay_resume()")


def test_standby_cut_off_from_its_primary_is_passed_over(
    standby: Standby, browser: Browser, settings: Any
) -> None:
    """It answers on, and has replayed all that it received."""
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 1
    ((conninfo,),) = standby.execute("SHOW primary_conninfo")
    set_on(standby, "primary_conninfo", "")
    try:
        until(lambda: not standby.on_primary("SELECT 1 FROM pg_stat_replication"))
        late = buy()
        until(lambda: sold(browser) == [late.pk], seconds=5)
    finally:
        set_on(standby, "primary_conninfo", conninfo.replace("'", "''"))


def test_standby_that_is_gone_is_passed_over_and_used_again(standby: Standby, browser: Browser) -> None:
    buy()
    standby.catch_up()
    assert sold(browser)
    standby.stop()
    failed = passed_over("failed")
    assert sold(browser)
    assert browser.get("/admin/").status_code == 200
    assert fetch(browser, PRODUCTS, "csv")
    assert passed_over("failed") > failed
    standby.start()
    before = len(standby.statements())
    assert sold(browser)
    assert len(standby.statements()) > before


def test_standby_that_was_promoted_is_passed_over(standby: Standby, browser: Browser) -> None:
    buy()
    standby.catch_up()
    assert standby.execute("SELECT pg_promote()") == [(True,)]
    promoted = passed_over("promoted")
    late = buy()
    assert late.pk in sold(browser)
    assert passed_over("promoted") > promoted


def test_read_that_recovery_ends_is_done_again_on_the_primary(standby: Standby) -> None:
    set_on(standby, "max_standby_streaming_delay", "0")
    aliases = []

    def count() -> int:
        aliases.append(connection.alias)
        Product.objects.count()
        if connection.alias == REPLICA:
            standby.on_primary("BEGIN; LOCK products_product IN ACCESS EXCLUSIVE MODE; COMMIT")
            standby.catch_up()
        return Product.objects.count()

    buy()
    standby.catch_up()
    assert read_from_replica(count) == 1
    assert aliases == [REPLICA, "default"]


def test_write_within_a_read_from_the_standby_is_refused(standby: Standby) -> None:
    """Whatever the URL leads to: the snapshot itself only reads."""

    def write() -> None:
        aliases.append(connection.alias)
        if connection.alias == REPLICA:
            execute("CREATE TABLE written ()")

    aliases: list[str] = []
    standby.catch_up()
    read_from_replica(write)
    assert aliases == [REPLICA, "default"]
