"""Statements on their way: several in one message, by the exchange of this thread's session."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, overload

import psycopg
from django.conf import settings
from django.db import OperationalError, connection

from core.db.confirmation import CONFIRMATION_SECONDS, leave_unconfirmed
from core.db.exchange import Answer, Exchange
from core.db.statements import Bound

A = TypeVar("A")
B = TypeVar("B")


class _Exchanges(threading.local):
    """This thread's exchange with its session."""

    current: Exchange | None = None

    def of(self, session: "psycopg.Connection[Any]") -> Exchange:
        if self.current is None or self.current.session is not session:
            self.current = Exchange(session, prepares=settings.PREPARED_STATEMENTS)
        return self.current


_exchanges = _Exchanges()


@overload
def send(a: Bound[A], /, *, commits: bool = False) -> tuple[A]: ...
@overload
def send(a: Bound[A], b: Bound[B], /, *, commits: bool = False) -> tuple[A, B]: ...
@overload
def send(*statements: Bound[Any], commits: bool = False) -> Any: ...
def send(*statements: Bound[Any], commits: bool = False) -> Any:
    """Send the statements in one message; the answer of each.

    Outside a transaction they are one by themselves. The first that fails ends the rest. With `commits`,
    raises OperationalError if not confirmed within CONFIRMATION_SECONDS; it may be committed all the same.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session: Any = connection.connection
    began = time.monotonic()
    try:
        with connection.wrap_database_errors:
            exchange = _exchanges.of(session)
            if connection.execute_wrappers:
                answers = [_observed(exchange, each) for each in statements]
            else:
                asked = [(each.sql, each.values) for each in statements]
                answers = exchange.ask(asked, seconds=CONFIRMATION_SECONDS if commits else None)
    except OperationalError:
        if commits and time.monotonic() - began >= CONFIRMATION_SECONDS:
            leave_unconfirmed()
        raise
    finally:
        if connection.queries_logged:
            taken = f"{time.monotonic() - began:.3f}"
            connection.queries_log.extend({"sql": each.sql.decode(), "time": taken} for each in statements)
    return tuple(each.read(answer) for each, answer in zip(statements, answers, strict=True))


def _observed(exchange: Exchange, bound: Bound[Any]) -> Answer:
    """Send one by way of those who observe the connection (Django's `execute_wrapper`)."""

    def execute(sql: str, values: Sequence[Any], _many: bool, _context: Mapping[str, Any]) -> Answer:  # noqa: FBT001 - Django's
        return exchange.ask([(sql.encode(), values)])[0]

    observed: Callable[..., Any] = execute
    for wrapper in reversed(connection.execute_wrappers):
        observed = partial(wrapper, observed)
    context = {"connection": connection, "cursor": None}
    answer: Answer = observed(bound.sql.decode(), bound.values, False, context)  # noqa: FBT003 - as Django calls it
    return answer
