"""Functions that open transactions, and the translation of database failures into problems."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    connection,
    connections,
    transaction,
)
from psycopg import errors

from core.db import metrics
from core.db.confirmation import refuse_while_unconfirmed, suspect_unconfirmed
from core.db.exchange import Bound, send
from core.db.sql import NOW, one_row
from core.db.sqlstates import Meaning, meaning_of
from core.problems import Busy, Problem, Unavailable

ATTEMPTS = 3

P = ParamSpec("P")
R = TypeVar("R")

# As `cause` in the metrics.
_CAUSES = {
    "23503": "vanished",
    "40001": "serialization",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
}

log = structlog.get_logger(__name__)


class Conflict(Exception):
    """A concurrent change invalidated the work: run it again from the start."""


def retried(*, guards: Collection[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run the function again after a conflict, at most three attempts in all.

    A conflict is `Conflict`, a deadlock, a failed serialization, a row referred to that has vanished, or a
    constraint named in `guards` that refuses what was possible when it was looked at.
    Raises Busy where a lock was not had in time or the conflicts did not end; then nothing was written.
    Raises Unavailable where no database that takes writes answers; if it vanished, it may have committed.
    """

    def decorate(work: Callable[P, R]) -> Callable[P, R]:
        @wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            for _attempt in range(ATTEMPTS):
                try:
                    return work(*args, **kwargs)
                except Conflict:
                    cause = "conflict"
                except (DatabaseError, InterfaceError) as error:
                    if isinstance(error, IntegrityError) and violated_constraint(error) in guards:
                        cause = "conflict"
                    elif meaning_of(error) is Meaning.CONFLICT:
                        cause = _cause_of(error)
                    elif problem := database_problem(error):
                        raise problem from error
                    else:
                        raise  # a bug, or a named constraint that the caller knows
                metrics.CONFLICTS.labels(cause).inc()
            metrics.GIVEN_UP.labels("retries").inc()
            raise Busy

        return run

    return decorate


def atomic_with_retries(work: Callable[P, R]) -> Callable[P, R]:
    """Run the function, which speaks by the ORM, in a transaction of its own, as `retried` does."""
    return retried()(transaction.atomic(durable=True)(work))


def durable_transaction() -> AbstractContextManager[None]:
    """A transaction of its own that runs once, for callers that handle conflicts themselves.

    Raises what the database raises, and RuntimeError within another transaction.
    """
    return transaction.atomic(durable=True)


_BEGIN, _COMMIT = (Bound(sql, (), lambda answer: answer.affected) for sql in (b"BEGIN", b"COMMIT"))


class Messages:
    """A transaction spoken in few messages. Its first carries BEGIN, its last, `commit`, carries COMMIT."""

    def __init__(self) -> None:
        self.has_begun = self.has_ended = False

    def send(self, *statements: Bound[Any]) -> tuple[Any, ...]:
        return self._speak(statements)

    def commit(self, *statements: Bound[Any]) -> tuple[Any, ...]:
        """Send the last statements together with COMMIT, so that their locks do not wait for this process.

        Returns their answers once all of it is durable. Nothing can be sent after it.
        """
        return self._speak((*statements, _COMMIT), ends=True)[:-1]

    def _speak(self, statements: tuple[Bound[Any], ...], *, ends: bool = False) -> tuple[Any, ...]:
        if self.has_ended:
            raise RuntimeError("the transaction has ended")
        first = () if self.has_begun else (_BEGIN,)
        self.has_begun, self.has_ended = True, ends
        return send(*first, *statements, commits=ends)[len(first) :]


@contextmanager
def in_messages() -> Iterator[Messages]:
    """A transaction of its own, to be ended by `commit`; rolled back where an exception comes before that.

    It sees and holds what Django's `atomic` would, without the messages in which that says BEGIN and COMMIT.
    Raises Unavailable, before anything is sent, where commits wait for a standby that is not there.
    """
    connection.validate_no_atomic_block()
    refuse_while_unconfirmed()
    messages = Messages()
    try:
        yield messages
    except BaseException:
        _roll_back()
        raise
    if not messages.has_ended:
        _roll_back()
        raise RuntimeError("the transaction was left open")


def _roll_back() -> None:
    session: Any = connection.connection
    try:
        if session is not None:
            session.rollback()
    except Exception:  # noqa: BLE001 - whatever it is, the session is of no use, and the first failure counts
        # Closing undoes it as well.
        connection.close()


def database_problem(error: DatabaseError | InterfaceError) -> Problem | None:
    """The problem for a failure of the database, counted; None for a bug.

    Where it is Unavailable the connection is closed: the next one may find the server writable, or another.
    """
    meaning = meaning_of(error)
    if meaning is Meaning.BUG:
        return None
    if meaning is Meaning.UNAVAILABLE:
        connection.close()
        return Unavailable()
    # A lock that is not had in time may be held by a commit that another process has given up on.
    suspect_unconfirmed()
    metrics.GIVEN_UP.labels(_cause_of(error)).inc()
    return Busy()


def _cause_of(error: DatabaseError | InterfaceError) -> str:
    cause = error.__cause__
    return _CAUSES.get(getattr(cause, "sqlstate", None) or "", "other")


@contextmanager
def put_off(event: str) -> Iterator[None]:
    """Skip the rest of the block if the database is away, read-only or busy, with one warning."""
    try:
        yield
    except (Busy, Unavailable) as problem:
        reason = problem.__cause__ or problem
    except (DatabaseError, InterfaceError) as error:
        if database_problem(error) is None:
            raise
        reason = error
    else:
        return
    log.warning(event, error=str(reason).partition("\n")[0])


def violated_constraint(error: IntegrityError) -> str:
    """The name of the constraint that refused a row; empty where none did."""
    cause = error.__cause__
    return (cause.diag.constraint_name or "") if isinstance(cause, errors.IntegrityError) else ""


@contextmanager
def snapshot(*, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Read as of one moment; nothing can be written. Raises RuntimeError within another transaction."""
    with transaction.atomic(durable=True, using=using), connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def database_now() -> datetime:
    """The database's clock, by which money and expiry are judged."""
    now: datetime = one_row(NOW)[0]
    return now
