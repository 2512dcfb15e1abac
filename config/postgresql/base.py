"""Django's PostgreSQL backend, with a cheaper health check and servers that start at the first connection."""

import select
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from config.postgresql.client import DatabaseClient
from config.postgresql.schema import DatabaseSchemaEditor
from core.embedded.servers import SERVICES

# What PostgreSQL tells each session of itself, unasked, from version 14 on.
READS_ONLY = (b"default_transaction_read_only", b"in_hot_standby")
# What statements and their reader rest on, whatever server, database or role have as their defaults.
SESSION = r"-c default_transaction_isolation=read\ committed -c datestyle=ISO"


class DatabaseWrapper(base.DatabaseWrapper):
    """What `ENGINE = "config.postgresql"` names."""

    client_class = DatabaseClient
    SchemaEditorClass = DatabaseSchemaEditor

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with SESSION behind what DATABASE_URL and the web process set: the last one counts."""
        params: dict[str, Any] = super().get_connection_params()
        params["options"] = f"{params.get('options') or ''} {SESSION}".strip()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; with the embedded server, start it first and once more if it was killed since."""
        if not settings.EMBEDDED_DATABASE:
            return super().get_new_connection(conn_params)
        SERVICES.attach()
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            SERVICES.ensure_running()
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Whether the connection is alive, without the round trip of a `SELECT 1` in every request.

        A healthy connection between two statements has nothing to read. Whatever can be read then is the end
        of the connection, or a message that costs one new connection if it was harmless. A session that began
        on a server that only reads is not kept either: the next one may find a server that writes.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status not in {TransactionStatus.IDLE, TransactionStatus.INTRANS}:
            return False
        if any(self.connection.pgconn.parameter_status(name) == b"on" for name in READS_ONLY):
            return False
        poll = select.poll()
        poll.register(self.connection.pgconn.socket, select.POLLIN)
        return not poll.poll(0)
