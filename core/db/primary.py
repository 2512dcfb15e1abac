"""Check that a connection leads to a server that takes writes."""

from django.db import connection

from core.db.sql import TAKES_WRITES, one_row


def takes_writes() -> bool:
    """Whether the server is a primary that is not told to refuse writes; otherwise closes the connection."""
    # On a standby `transaction_read_only` is on, whatever it was set to.
    (writable,) = one_row(TAKES_WRITES)
    if not writable:
        connection.close()  # the next one may find the server writable, or another
    return bool(writable)
