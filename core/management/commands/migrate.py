"""manage.py migrate"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import DeadlockDetected, LockNotAvailable

from core.commands import ShopCommand

# The advisory lock's number, used by `migrate` alone.
ADVISORY_LOCK = int.from_bytes(b"migrate")
PATIENCE_SECONDS = 600.0
# For what waited behind the last attempt.
PAUSE_SECONDS = 2.0


class Command(ShopCommand, migrate.Command):
    """Django's, one at a time; a migration that gets no lock is tried again (config/postgresql/base.py)."""

    def handle(self, *args: Any, **options: Any) -> None:
        if options["plan"] or options["check_unapplied"]:
            super().handle(*args, **options)
            return
        last = time.monotonic() + PATIENCE_SECONDS
        with alone(options["database"], say=self.stderr.write):
            while True:
                try:
                    super().handle(*args, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                        raise
                    reason = str(error).partition("\n")[0]
                else:
                    return
                if time.monotonic() > last:
                    raise CommandError(f"{reason}, for {PATIENCE_SECONDS:.0f} s; pg_stat_activity says who")
                self.stderr.write(f"{reason}; it is undone, and tried again in {PAUSE_SECONDS:.0f} s")
                time.sleep(PAUSE_SECONDS)


@contextmanager
def alone(alias: str, *, say: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other `migrate` runs on this database, and keep others from starting."""
    with closing(connections.create_connection(alias)) as holder:
        # The lock is that of a transaction which does nothing else: a pooler may hand a session, and its
        # locks with it, to others between two statements.
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            if cursor.fetchone() != (True,):
                say("waiting for another migrate to end")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        yield
