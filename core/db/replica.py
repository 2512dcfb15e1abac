"""Reads that may be old: from the standby of DATABASE_REPLICA_URL, where there is one that is near.

Its lag is known without special rights and independently of clocks: a standby that has replayed what the
primary had flushed when it was asked has everything up to then.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections

from core.db import sql
from core.db.metrics import PASSED_OVER
from core.db.transactions import snapshot

REPLICA = "replica"
# How often the primary is asked, by each process; as long after a failure the standby is left alone.
ASKED_EVERY_SECONDS = 1.0
PAUSE_SECONDS = 5.0

R = TypeVar("R")

log = structlog.get_logger(__name__)


class _Flushed(NamedTuple):
    """The WAL position that the primary had flushed, with the time by its clock and by this process's."""

    position: str
    at: datetime
    asked: float

    def now(self) -> datetime:
        # The primary's clock, not this machine's.
        return self.at + timedelta(seconds=time.monotonic() - self.asked)


class _Known:
    """The state of this process; concurrent updates by threads do no harm."""

    flushed: _Flushed | None = None
    left_alone_until = 0.0


def read_from_replica(read: Callable[[], R], *, in_snapshot: bool = False) -> R:
    """What `read` reads, of one moment, from the standby, to which the default connection leads meanwhile.

    From the primary where no standby is set, or where it lags by more than DATABASE_REPLICA_MAX_LAG_SECONDS,
    is away, is a primary itself, or ends the read; with `in_snapshot` this, too, is of one moment. `read` may
    run twice.
    """
    if _is_near():
        try:
            with snapshot(using=REPLICA), _in_place_of_the_primary():
                return read()
        except (DatabaseError, InterfaceError) as error:
            _pass_over("failed", error)
    if not in_snapshot:
        return read()
    with snapshot():
        return read()


@contextmanager
def _in_place_of_the_primary() -> Iterator[None]:
    # `connections` is each thread's own.
    primary = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[REPLICA]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = primary


def replayed_at() -> datetime | None:
    """The time up to which the standby has everything, if reads go there; else None."""
    found: datetime | None = getattr(connection, "replayed_at", None)
    return found


def _is_near() -> bool:
    if REPLICA not in connections.settings or connection.alias == REPLICA:
        return False
    if time.monotonic() < _Known.left_alone_until:
        PASSED_OVER.labels("failed").inc()
        return False
    try:
        return _has_replayed_enough(_flushed())
    except (DatabaseError, InterfaceError) as error:
        _pass_over("failed", error)
        return False


def _flushed() -> _Flushed:
    known = _Known.flushed
    if known is None or time.monotonic() - known.asked >= ASKED_EVERY_SECONDS:
        asked = time.monotonic()
        position, at = sql.one_row(sql.FLUSHED)
        known = _Known.flushed = _Flushed(position, at, asked)
    return known


def _has_replayed_enough(flushed: _Flushed) -> bool:
    replica: Any = connections[REPLICA]
    with replica.cursor() as cursor:
        cursor.execute(sql.REPLAYED, [flushed.position])
        is_standby, has_it, last_commit = cursor.fetchone()
    if not is_standby:
        replica.close()  # a balancer may know another
        PASSED_OVER.labels("promoted").inc()
        return False
    known = [each for each in (flushed.at if has_it else None, last_commit) if each]
    replica.replayed_at = min(max(known), flushed.now()) if known else None
    most = timedelta(seconds=settings.DATABASE_REPLICA_MAX_LAG_SECONDS)
    if not known or flushed.now() - replica.replayed_at > most:
        PASSED_OVER.labels("lagging").inc()
        return False
    return True


def _pass_over(reason: str, error: Exception) -> None:
    # A standby that does not answer costs a connection's time-out.
    _Known.left_alone_until = time.monotonic() + PAUSE_SECONDS
    connections[REPLICA].close()
    PASSED_OVER.labels(reason).inc()
    log.warning("replica_passed_over", error=str(error).partition("\n")[0])
