"""Django's PostgreSQL backend, with a cheaper health check and servers that start at the first connection."""

import select
from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Self, TypeVar

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base, client, schema
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from config.services import conninfo
from core.embedded.servers import SERVICES

# Parameters that PostgreSQL reports to each session at its start, from version 14 on.
READS_ONLY = (b"default_transaction_read_only", b"in_hot_standby")
# Session settings that statements and the reading of answers rely on, over defaults of server, database and
# role.
SESSION = r"-c default_transaction_isolation=read\ committed -c datestyle=ISO"
# Requests that need a table wait behind a migration that waits for it; web processes give up after 3 s.
MIGRATION_LOCK_TIMEOUT = "1s"

RV = TypeVar("RV")


class Session(psycopg.Connection[Any]):
    """A connection that waits no longer than `answer_seconds` for an answer, and is closed then.

    PostgreSQL bounds what it does for a statement, but not how long a COMMIT waits for a standby.
    """

    answer_seconds: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` by every option of DATABASE_URL, of which Django would hand on only some."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        password = str(settings_dict.get("PASSWORD") or "")
        command = [cls.executable_name, *parameters, conninfo(settings_dict)]
        # `ps` shows a command line, but no environment.
        return command, {"PGPASSWORD": password} if password else None


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Django's; a migration that is one transaction waits MIGRATION_LOCK_TIMEOUT for a lock, and gives up.

    The others build indexes beside running orders, which waits for readers and blocks no writes.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if self.atomic_migration:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'")
        return self

    def add_index(self, model: Any, index: Any, concurrently: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's
        if concurrently:
            # A `migrate` that was killed leaves one of this name: invalid, or whole but not recorded.
            self.remove_index(model, index, concurrently=True)
        super().add_index(model, index, concurrently=concurrently)


def _connect(**params: Any) -> Any:
    # Looked up each time: traces wrap psycopg's `connect` after this is imported.
    return Session.connect(**params)


class DatabaseWrapper(base.DatabaseWrapper):
    """What `ENGINE = "config.postgresql"` names."""

    # Of core/db/exchange.py and core/db/replica.py, for as long as there is this connection.
    exchange: Any = None
    replayed_at: datetime | None = None

    client_class = DatabaseClient
    SchemaEditorClass = DatabaseSchemaEditor
    # The driver as Django knows it, with sessions of our own.
    Database: Any = SimpleNamespace(**{**vars(psycopg), "connect": _connect})

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = {**settings.DATABASE_TIMEOUTS, **super().get_connection_params()}
        # SESSION comes behind what DATABASE_URL and the web process set: the last one counts.
        params["options"] = f"{params.get('options') or ''} {SESSION}".strip()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if settings.EMBEDDED_DATABASE:
            SERVICES.ensure_running()
        session = super().get_new_connection(conn_params)
        session.answer_seconds = self.settings_dict.get("ANSWER_SECONDS")
        return session

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.INTRANS}:
            return False
        # A session that began on a server that only reads is not kept: the next may find one that writes.
        if self.alias == DEFAULT_DB_ALIAS and any(
            self.connection.pgconn.parameter_status(name) == b"on" for name in READS_ONLY
        ):
            return False
        # No `SELECT 1` in every request: between two statements a healthy connection has nothing to read.
        # What can be read is its end, or a message that costs one new connection if it was harmless.
        poll = select.poll()
        poll.register(self.connection.pgconn.socket, select.POLLIN)
        return not poll.poll(0)
