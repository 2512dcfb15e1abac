"""Commits that no standby confirms.

Where `synchronous_standby_names` asks for a standby and none is there, a COMMIT waits without bound:
statement_timeout does not count there, and after a cancel PostgreSQL would answer that it committed. So the
wait ends here, by closing the socket. The session that is left goes on waiting and holds its rows, until a
standby confirms it or the server ends; a process leaves about as many of them as it has threads.
"""

import threading

from core.db import metrics, sql
from core.problems import Unavailable

# Above two waits for a lock (3 s each), and with the rest of a request below what clients are promised: 8 s.
CONFIRMATION_SECONDS = 6.0

_suspected = threading.Event()


def leave_unconfirmed() -> None:
    metrics.UNCONFIRMED.inc()
    suspect_unconfirmed()


def suspect_unconfirmed() -> None:
    """Make the next transactions check before they begin."""
    _suspected.set()


def refuse_while_unconfirmed() -> None:
    """Raise Unavailable where commits wait for a standby by now; nothing was written."""
    # No query until this process has cause to suspect it, and then one until none waits any more.
    if not _suspected.is_set():
        return
    (is_waited_for,) = sql.one_row(sql.WAIT_FOR_STANDBY)
    if is_waited_for:
        raise Unavailable
    _suspected.clear()
