"""SQL as an operator would type it, beside the running shop."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection, transaction

TABLES = (
    "users_user",
    "products_product",
    "points_pointaccount",
    "points_pointtransaction",
    "coupons_coupon",
    "coupons_issuedcoupon",
    "orders_order",
    "orders_orderitem",
    "orders_orderevent",
)

# Django makes these rows after it migrated, the same whenever it does; web servers remember their numbers.
KEPT = {"django_content_type", "auth_permission"}
# A deleted row costs less than a new file for each index, until rows are many.
LARGE_BYTES = 1_000_000
# LOCK waits for what others have yet to commit. No trigger fires: the tables refer to each other, and the
# ledger refuses to lose rows.
EMPTY = """
DO $$
DECLARE
    emptied regclass;
BEGIN
    SET LOCAL session_replication_role = replica;
    LOCK TABLE {tables} IN EXCLUSIVE MODE;
    FOREACH emptied IN ARRAY '{{{tables}}}'::regclass[] LOOP
        IF pg_relation_size(emptied) < {large} THEN
            EXECUTE format('DELETE FROM %s', emptied);
        ELSE
            EXECUTE format('TRUNCATE %s CASCADE', emptied);
        END IF;
    END LOOP;
END $$
"""


def empty_tables() -> None:
    """Remove every row but those in `KEPT`; a hundred times as fast as the `flush` of Django's tests."""
    models = apps.get_models(include_auto_created=True)
    tables = ", ".join(sorted({model._meta.db_table for model in models} - KEPT))
    execute(EMPTY.format(tables=tables, large=LARGE_BYTES))


def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the API writes to."""
    return {table: execute(f"SELECT t::text FROM {table} t ORDER BY 1") for table in TABLES}


@contextmanager
def nothing_written() -> Iterator[None]:
    """Fails if a row was added, changed or removed inside the block."""
    before = contents()
    yield
    assert contents() == before


@contextmanager
def broken(breaking: str, mending: str) -> Iterator[None]:
    """Change the schema for the block; undone at its end, also after an exception."""
    execute(breaking)
    try:
        yield
    finally:
        execute(mending)


@contextmanager
def held(table: str, column: str, value: int) -> Iterator[None]:
    """Keep one row locked inside the block."""
    with transaction.atomic():
        assert execute(f"SELECT 1 FROM {table} WHERE {column} = %s FOR NO KEY UPDATE", value)
        yield


def lock_waiters() -> list[int]:
    """This database's processes that wait for a lock; other tests may be running in other databases."""
    return [
        pid
        for (pid,) in execute(
            "SELECT pid FROM pg_locks waiter WHERE NOT granted AND EXISTS (SELECT 1 FROM pg_locks held"
            " JOIN pg_database d ON d.oid = held.database"
            " WHERE held.pid = waiter.pid AND d.datname = current_database())"
        )
    ]


def database_clock() -> datetime:
    """What PostgreSQL's clock says."""
    ((now,),) = execute("SELECT statement_timestamp()")
    return now
