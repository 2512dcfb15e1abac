"""`manage.py migrate` beside a running shop: it gives way to a long reader, and no request waits for it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from config.postgresql import base
from core.db.turns import alone
from core.management.commands import migrate
from products.factories import ProductFactory
from tests.kit.client import Client
from tests.kit.database import execute
from tests.kit.invariants import broken_rules
from tests.kit.processes import until
from tests.kit.scenes import buyer
from users.models import User

CONSTRAINT = "product_created_at_within_calendar"


def is_there() -> bool:
    return bool(execute("SELECT 1 FROM pg_constraint WHERE conname = %s", CONSTRAINT))


@contextmanager
def migrating(said: StringIO) -> Iterator["Future[None]"]:
    """Take a constraint of products away, in a thread; it is back when the block has ended."""

    def run() -> None:
        try:
            call_command("migrate", "products", "0002", verbosity=0, stderr=said)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(run)
    finally:
        call_command("migrate", "products", verbosity=0)


@contextmanager
def a_long_reader() -> Iterator[None]:
    """Somebody's report or dump, whose transaction is still open."""
    with transaction.atomic():
        execute("SELECT count(*) FROM products_product")
        yield


@pytest.fixture
def user(http: Client, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.1)
    return buyer(http)


def test_migrate_behind_a_long_reader_stops_no_order(http: Client, user: User) -> None:
    product, said = ProductFactory(price=1), StringIO()
    with migrating(said) as done:
        with a_long_reader():
            for attempts in (1, 2, 3):
                until(lambda count=attempts: said.getvalue().count("tried again") >= count)
                assert http.order(user, {product.pk: 1}).status == 201
            assert is_there()
        done.result(30)
        assert not is_there()
    assert is_there()
    assert broken_rules() == []


def test_migrate_that_waits_for_a_lock_without_a_bound_stops_orders(
    http: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the one above."""
    monkeypatch.setattr(base, "MIGRATION_LOCK_TIMEOUT", "0")
    product = ProductFactory(price=1)
    with migrating(StringIO()), a_long_reader():
        until(lambda: execute("SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"))
        assert http.order(user, {product.pk: 1}).code == "busy"


def test_migrate_gives_up_where_a_reader_never_ends(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "PATIENCE_SECONDS", 0.0)
    with (
        migrating(StringIO()) as done,
        a_long_reader(),
        pytest.raises(CommandError, match="pg_stat_activity"),
    ):
        done.result(30)
    assert is_there()


def test_migrate_waits_for_another_one_to_end(user: User) -> None:
    said = StringIO()
    with ExitStack() as other:
        other.enter_context(alone("migrate", say=print))
        with migrating(said) as done:
            until(lambda: "another migrate" in said.getvalue())
            assert is_there()
            other.close()
            done.result(30)
            assert not is_there()
