"""Commands of which one runs at a time on a database."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.db import DEFAULT_DB_ALIAS, connections

PAUSE_SECONDS = 0.5


@contextmanager
def alone(name: str, *, say: Callable[[str], object], alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Wait until no other command of this name runs on this database, and keep others from starting.

    It waits without bound, and says so once.
    """
    has_waited = False
    with closing(connections.create_connection(alias)) as holder:
        # The lock is that of a transaction which does nothing else: a pooler may hand a session, and its
        # locks with it, to others between two statements.
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            while True:
                cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
                if cursor.fetchone() == (True,):
                    break
                # Not by one SELECT that waits: CREATE INDEX CONCURRENTLY waits for every snapshot before it.
                holder.rollback()
                if not has_waited:
                    say(f"waiting for another {name} to end")
                has_waited = True
                time.sleep(PAUSE_SECONDS)
        yield
