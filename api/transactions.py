"""The one opener of transactions, and what the database's failures mean."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from psycopg import errors

from api import metrics
from api.problems import Busy, Problem, Unavailable

ATTEMPTS = 3

P = ParamSpec("P")
R = TypeVar("R")

_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)
# A row that the work refers to was deleted before it committed; sent again, the request is told so.
_VANISHED = (errors.ForeignKeyViolation,)
_WAITED_TOO_LONG = (errors.LockNotAvailable, errors.QueryCanceled)
_CAUSES: dict[type, str] = {
    errors.SerializationFailure: "serialization",
    errors.DeadlockDetected: "deadlock",
    errors.LockNotAvailable: "lock_timeout",
    errors.QueryCanceled: "statement_timeout",
}

# What work meets that finds the database away, or too busy.
PUT_OFF = (Busy, Unavailable, InterfaceError, OperationalError)


class Conflict(Exception):
    """The work met a change it must look at again: run it anew from the start."""


def unit_of_work(work: Callable[P, R]) -> Callable[P, R]:
    """Run the function in a transaction of its own, anew after a conflict, three times at most.

    Raises Busy where a lock was not had in time or the conflicts did not end; then nothing was written.
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
            except OperationalError as error:
                if not isinstance(error.__cause__, _CONFLICTS):
                    raise database_problem(error) or error from error
                metrics.CONFLICTS.labels(_CAUSES[type(error.__cause__)]).inc()
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
        if isinstance(error.__cause__, _VANISHED) or violated_constraint(error) in guards:
            raise Conflict from error
        raise


def database_problem(error: DatabaseError | InterfaceError) -> Problem | None:
    """What a failure of the database means to the client, counted; None where it is a bug of ours."""
    cause = error.__cause__
    if isinstance(cause, _WAITED_TOO_LONG + _CONFLICTS + _VANISHED):
        metrics.GIVEN_UP.labels(_CAUSES.get(type(cause), "vanished")).inc()
        return Busy()
    if isinstance(error, OperationalError | InterfaceError):
        return Unavailable()
    return None


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
