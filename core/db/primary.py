"""Whether the server that was reached is the one that writes."""

from django.db import connection


def takes_writes() -> bool:
    """Whether the server is a primary that is not told to refuse writes. Otherwise the connection is closed.

    On a standby `transaction_read_only` is on, whatever it was set to.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only') = 'off'")
        (writable,) = cursor.fetchone()
    if not writable:
        connection.close()  # the next one may find the server writable, or another
    return bool(writable)
