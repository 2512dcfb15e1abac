"""Statements with their values, several in one message: libpq's pipeline mode.

psycopg's own `pipeline()` waits for the socket before each statement and sends it by itself; what that would
cost is in docs/adr/0014-the-orm-compiled-once.md.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from psycopg import errors, generators
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from core.db.confirmation import CONFIRMATION_SECONDS, leave_unconfirmed, refuse_while_unconfirmed
from core.db.sqlstates import plans_are_lost
from core.traces import message_span

log = structlog.get_logger(__name__)

A = TypeVar("A")

# The text of a statement and the types of its values.
_Key = tuple[bytes, tuple[int, ...]]


class Answer(NamedTuple):
    """What a statement answered: its rows, and how many it read or changed."""

    rows: list[tuple[Any, ...]]
    affected: int


@dataclass(frozen=True)
class Bound(Generic[A]):
    """A statement with the values of one call, and how its answer is read."""

    sql: bytes
    values: Sequence[Any]
    read: Callable[[Answer], A]


def send_one(statement: Bound[A]) -> A:
    """The answer of one statement, as `send`."""
    (answer,) = send(statement)
    found: A = answer
    return found


def send_durably(statement: Bound[A]) -> A:
    """The answer of one statement that writes or locks rows, once what it saw of them is durable.

    Where a standby has to confirm commits, it has confirmed this one, and so those before it: a server that
    lost its standbys may show rows that its successor will not have. Raises what `send` does with `commits`,
    and Unavailable, before anything is sent, where commits wait for a standby that is not there.
    """
    refuse_while_unconfirmed()
    (answer,) = send(statement, commits=True)
    durable: A = answer
    return durable


def send(*statements: Bound[Any], commits: bool = False) -> tuple[Any, ...]:
    """Send the statements in one message; the answer of each.

    Outside a transaction they are one by themselves. The first that fails ends the rest. With `commits`,
    raises OperationalError if not confirmed within CONFIRMATION_SECONDS; it may be committed all the same.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session: Any = connection.connection
    began = time.monotonic()
    try:
        with connection.wrap_database_errors, message_span(each.sql for each in statements):
            if connection.in_atomic_block and session.pgconn.transaction_status == TransactionStatus.IDLE:
                session.execute("SELECT")  # psycopg says BEGIN with its own first command alone
            exchange = _exchange_of_this_thread()
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


def _observed(exchange: "Exchange", bound: Bound[Any]) -> Answer:
    def execute(sql: str, values: Sequence[Any], _many: bool, _context: Mapping[str, Any]) -> Answer:  # noqa: FBT001 - Django's
        return exchange.ask([(sql.encode(), values)])[0]

    observed: Callable[..., Any] = execute
    # Wrappers nest as in Django's own cursor.
    for wrapper in reversed(connection.execute_wrappers):
        observed = partial(wrapper, observed)
    context = {"connection": connection, "cursor": None}
    answer: Answer = observed(bound.sql.decode(), bound.values, False, context)  # noqa: FBT003 - as Django calls it
    return answer


def _exchange_of_this_thread() -> "Exchange":
    kept: Any = connections[DEFAULT_DB_ALIAS]
    # A new session has nothing prepared.
    if kept.exchange is None or kept.exchange.session is not kept.connection:
        kept.exchange = Exchange(kept.connection, prepares=settings.PREPARED_STATEMENTS)
    exchange: Exchange = kept.exchange
    return exchange


class _Context(NamedTuple):
    """What psycopg turns values into PostgreSQL's and back by."""

    adapters: AdaptersMap
    connection: "psycopg.Connection[Any]"


class Exchange:
    """One session, and what is prepared there; unlike psycopg's plans, those outlive a rollback."""

    def __init__(self, session: "psycopg.Connection[Any]", *, prepares: bool) -> None:
        adapters = AdaptersMap(session.adapters)
        # Or the type of a number, alone or in a list, and with it the plan, would change with its size.
        adapters.register_dumper(int, Int8Dumper)
        adapters.register_dumper(int, Int8BinaryDumper)
        self.session, self.pgconn = session, session.pgconn
        self.transformer = Transformer(_Context(adapters, session))
        self.prepares = prepares
        self.names: dict[_Key, bytes] = {}
        self.made = 0

    def ask(
        self, statements: Sequence[tuple[bytes, Sequence[Any]]], *, seconds: float | None = None
    ) -> list[Answer]:
        """Send them in one message. Raises the first failure, which ends those that come after it.

        Whatever is raised while answers are awaited, by a signal for one, closes the session. So does an
        OperationalError where they do not come within `seconds`: what was sent may be done all the same.
        """
        with self.session.lock:
            try:
                return self._ask(statements, seconds)
            except psycopg.Error as error:
                if not plans_are_lost(error):
                    raise
                # Not prepared again: a pgbouncer would find the lost plans again by the statements' texts.
                self.prepares = False
                log.warning("plans_lost", error=str(error).partition("\n")[0])
                if self.pgconn.transaction_status != TransactionStatus.IDLE:
                    raise  # what came before in the transaction is undone, too
                return self._ask(statements, seconds)

    def _ask(self, statements: Sequence[tuple[bytes, Sequence[Any]]], seconds: float | None) -> list[Answer]:
        try:
            results = self._results_of(statements, seconds)
        except BaseException:
            self.session.close()
            raise
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                raise _error(result, self.session.info.encoding)
        return [self._answer(result) for result in results]

    def _results_of(
        self, statements: Sequence[tuple[bytes, Sequence[Any]]], seconds: float | None
    ) -> list[PGresult]:
        self.pgconn.enter_pipeline_mode()
        preparing: dict[int, tuple[_Key, bytes]] = {}
        sent = 0
        for sql, values in statements:
            sent += self._send(sql, values, preparing, sent)
        self.pgconn.pipeline_sync()
        results = self.session.wait(self._results(), timeout=seconds)
        if self.pgconn.status == ConnStatus.OK:
            self.pgconn.exit_pipeline_mode()
        for place, (key, name) in preparing.items():
            if place < len(results) and results[place].status == ExecStatus.COMMAND_OK:
                self.names[key] = name
        # That something was prepared is no answer; that it could not be is.
        return [
            result
            for place, result in enumerate(results)
            if place not in preparing or result.status == ExecStatus.FATAL_ERROR
        ]

    def _send(
        self, sql: bytes, values: Sequence[Any], preparing: dict[int, tuple[_Key, bytes]], place: int
    ) -> int:
        """How many commands it put into the message: two where the statement had to be prepared first."""
        dumped = self.transformer.dump_sequence(values, [PyFormat.AUTO] * len(values)) if values else []
        types, formats = (self.transformer.types or (), self.transformer.formats) if values else ((), None)
        if not self.prepares:
            self.pgconn.send_query_params(sql, dumped, types, formats)
            return 1
        key = (sql, types)
        name = self.names.get(key)
        if name is None:
            name = next((each for known, each in preparing.values() if known == key), None)
        if name is not None:
            self.pgconn.send_query_prepared(name, dumped, formats)
            return 1
        # Never another statement's, which another client may have prepared where a pooler shares sessions.
        name = b"%d_%s" % (self.made, sha256(b"%s %r" % (sql, types)).hexdigest()[:32].encode())
        self.made += 1
        preparing[place] = (key, name)
        self.pgconn.send_prepare(name, sql, types)
        self.pgconn.send_query_prepared(name, dumped, formats)
        return 2

    def _results(self) -> PQGen[list[PGresult]]:
        yield from generators.send(self.pgconn)
        results: list[PGresult] = []
        while True:
            try:
                answered = yield from generators.fetch_many(self.pgconn)
            except psycopg.Error:
                # What the server said last is why the session ended.
                if results and results[-1].status == ExecStatus.FATAL_ERROR:
                    return results
                raise
            if answered and answered[0].status == ExecStatus.PIPELINE_SYNC:
                return results
            results += answered

    def _answer(self, result: PGresult) -> Answer:
        if result.status != ExecStatus.TUPLES_OK:
            return Answer([], result.command_tuples or 0)
        self.transformer.set_pgresult(result)
        return Answer(self.transformer.load_rows(0, result.ntuples, tuple), result.ntuples)


def _error(result: PGresult, encoding: str) -> psycopg.Error:
    error = errors.error_from_result(result, encoding=encoding)
    # An error without a code is the session's end.
    return error if error.sqlstate else psycopg.OperationalError(str(error))
