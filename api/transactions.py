"""The one opener of transactions, and what the database's failures mean."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError, connection, transaction
from psycopg import errors

from api import metrics
from api.problems import Busy, Problem, Unavailable
from api.sqlstates import Meaning, meaning_of

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
    """The work met a change it must look at again: run it anew from the start."""


def unit_of_work(work: Callable[P, R]) -> Callable[P, R]:
    """Run the function in a transaction of its own, anew after a conflict, three times at most.

    Raises Busy where a lock was not had in time or the conflicts did not end; then nothing was written.
    Raises Unavailable where no database that takes writes answers; if it vanished, it may have committed.
    """
    return one_statement(transaction.atomic(durable=True)(work))


def one_statement(work: Callable[P, R]) -> Callable[P, R]:
    """As `unit_of_work`, for a function whose only write is one statement: a transaction by itself.

    The server commits it as soon as it is done, so a hot row is not held while BEGIN, COMMIT and this process
    are on their way.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _attempt in range(ATTEMPTS):
            try:
                return work(*args, **kwargs)
            except Conflict:
                metrics.CONFLICTS.labels("conflict").inc()
            except IntegrityError:
                raise  # named constraints are the caller's
            except (DatabaseError, InterfaceError) as error:
                if meaning_of(error) is not Meaning.CONFLICT:
                    raise database_problem(error) or error from error
                metrics.CONFLICTS.labels(_cause_of(error)).inc()
        metrics.GIVEN_UP.labels("retries").inc()
        raise Busy

    return run


@contextmanager
def last_round_trip(*, guards: Container[str]) -> Iterator[None]:
    """Send what is written inside, the last of a unit of work, together with its COMMIT.

    So the rows that it locks are not held while this process is waited for. What is sent has no answer that
    could be read: a guard is a constraint. Raises Conflict where one of these names refuses a row, or where a
    row that is referred to has vanished.
    """
    session: Any = connection.connection
    try:
        with connection.wrap_database_errors, session.pipeline():
            yield
            if len(connection.atomic_blocks) == 1:  # inside another, as in a test, nothing is committed
                session.execute("COMMIT")
    except IntegrityError as error:
        if isinstance(error.__cause__, errors.ForeignKeyViolation) or violated_constraint(error) in guards:
            raise Conflict from error
        raise


def database_problem(error: DatabaseError | InterfaceError) -> Problem | None:
    """What a failure of the database means to the client, counted; None where it is a bug.

    Where it is Unavailable the connection is closed: the next one may find the server writable, or another.
    """
    meaning = meaning_of(error)
    if meaning is Meaning.BUG:
        return None
    if meaning is Meaning.UNAVAILABLE:
        connection.close()
        return Unavailable()
    metrics.GIVEN_UP.labels(_cause_of(error)).inc()
    return Busy()


def _cause_of(error: DatabaseError | InterfaceError) -> str:
    cause = error.__cause__
    return _CAUSES.get(getattr(cause, "sqlstate", None) or "", "other")


@contextmanager
def put_off(event: str) -> Iterator[None]:
    """Leave what is inside for its next turn where the database is away, read-only or busy: one warning."""
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
    """The name of the constraint that refused a row, or an empty string."""
    cause = error.__cause__
    return (cause.diag.constraint_name or "") if isinstance(cause, errors.IntegrityError) else ""


@contextmanager
def snapshot() -> Iterator[None]:
    """Read everything inside as of one moment, writing nothing."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def database_now() -> datetime:
    """The database's clock, by which money and expiry are judged."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        row: tuple[datetime] = cursor.fetchone()
    return row[0]
