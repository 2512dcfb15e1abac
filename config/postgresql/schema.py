"""Migrations that do not make the shop wait."""

from typing import Self

from django.db.backends.postgresql import schema

# Whoever asks for a table after a migration that waits for it waits as long: web processes give up after 3 s.
LOCK_TIMEOUT = "1s"


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Django's; what waits for a lock for LOCK_TIMEOUT gives up, in migrations that are one transaction.

    The others build indexes beside running orders, which waits for readers and stops nobody.
    """

    def __enter__(self) -> Self:
        super().__enter__()
        if self.atomic_migration:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        return self
