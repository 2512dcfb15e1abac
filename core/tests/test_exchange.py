"""Several statements in one message: what was sent, what failed, and what is prepared."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection

from core.db.exchange import Answer, Exchange
from core.db.sqlstates import Meaning, meaning_of
from tests.kit.database import broken, execute
from tests.kit.processes import until

SELECT = b"SELECT $1::bigint"
TWICE = b"SELECT 2 * $1::bigint"
FAILS = b"SELECT 1 / $1::bigint"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    connection.ensure_connection()
    session: Any = connection.connection
    yield Exchange(session, prepares=True)
    connection.close()


def prepared() -> int:
    ((number,),) = execute("SELECT count(*) FROM pg_prepared_statements")
    return int(number)


def test_statements_of_a_message_are_answered_in_turn(exchange):
    values = [(SELECT, [n]) for n in range(100)]
    assert exchange.ask(values) == [Answer([(n,)], 1) for n in range(100)]


def test_statement_is_prepared_once(exchange):
    for n in (1, 2**40, None, None):
        exchange.ask([(SELECT, [n]), (SELECT, [n])])
    assert prepared() == 2  # of a number, and of NULL, which has no type


def test_statements_are_not_kept_where_preparing_is_off(exchange):
    exchange.prepares = False
    assert exchange.ask([(SELECT, [2**62])] * 2) == [Answer([(2**62,)], 1)] * 2
    assert prepared() == 0


def test_failure_is_raised_and_ends_the_later_statements(exchange):
    execute("CREATE TEMPORARY TABLE kept (n bigint)")
    insert = b"INSERT INTO kept VALUES ($1)"
    with pytest.raises(psycopg.errors.DivisionByZero):
        exchange.ask([(insert, [1]), (FAILS, [0]), (insert, [2])])
    assert exchange.ask([(insert, [3]), (b"TABLE kept", [])]) == [Answer([], 1), Answer([(3,)], 1)]


def test_statement_that_failed_to_prepare_is_prepared_the_next_time(exchange):
    with pytest.raises(psycopg.errors.DivisionByZero):
        exchange.ask([(FAILS, [0]), (SELECT, [1])])
    assert exchange.ask([(FAILS, [1]), (SELECT, [1])]) == [Answer([(1,)], 1)] * 2


def test_statement_that_cannot_be_prepared_says_why(exchange):
    with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        exchange.ask([(b"SELECT FROM nowhere WHERE 1 = $1", [1])])


def test_plans_outlive_a_rollback(exchange):
    exchange.ask([(b"BEGIN", []), (SELECT, [1])])
    before = prepared()
    connection.connection.rollback()
    assert prepared() == before
    assert exchange.ask([(SELECT, [1])]) == [Answer([(1,)], 1)]


WIDER = "ALTER TABLE kept ALTER COLUMN name TYPE varchar(9)"
NAMES = b"SELECT name FROM kept"


@pytest.mark.parametrize("change", [WIDER, "DEALLOCATE ALL", "DISCARD ALL"])
def test_statements_whose_plans_are_lost_are_sent_without(exchange, change):
    with broken("CREATE TABLE kept (name varchar(8))", "DROP TABLE kept"):
        insert = b"INSERT INTO kept VALUES ('x') RETURNING name"
        exchange.ask([(insert, []), (NAMES, [])])
        execute(change)
        assert exchange.ask([(insert, []), (NAMES, [])])[1] == Answer([("x",), ("x",)], 2)
        assert exchange.ask([(NAMES, [])]) == [Answer([("x",), ("x",)], 2)]


@pytest.mark.parametrize("change", [WIDER, "DEALLOCATE ALL"])
def test_plans_that_are_lost_within_a_transaction_are_a_conflict(exchange, change):
    with broken("CREATE TABLE kept (name varchar(8))", "DROP TABLE kept"):
        exchange.ask([(NAMES, [])])
        execute(change)
        with pytest.raises(DatabaseError) as failed, connection.wrap_database_errors:
            exchange.ask([(b"BEGIN", []), (NAMES, [])])
        connection.connection.rollback()
        assert meaning_of(failed.value) is Meaning.CONFLICT
        assert exchange.ask([(b"BEGIN", []), (NAMES, []), (b"COMMIT", [])])[1] == Answer([], 0)


def test_pooler_that_does_not_track_prepared_statements_does_no_harm(exchange):
    """Some clients in one session. None runs what has the same name and is another's."""
    clients = [Exchange(exchange.session, prepares=True) for _ in range(2)]
    assert [each.ask([(sql, [1])]) for each, sql in zip(clients, (SELECT, TWICE), strict=True)] == [
        [Answer([(1,)], 1)],
        [Answer([(2,)], 1)],
    ]
    assert not {*clients[0].names.values()} & {*clients[1].names.values()}
    third = Exchange(exchange.session, prepares=True)
    assert third.ask([(SELECT, [3])]) == [Answer([(3,)], 1)]
    assert not third.prepares


def test_session_that_is_ended_while_it_waits_says_so(exchange):
    pid, failures = connection.connection.info.backend_pid, []

    def wait() -> None:
        try:
            exchange.ask([(SELECT, [1]), (b"SELECT pg_sleep(60)", [])])
        except psycopg.Error as error:
            failures.append(error)

    waiting = Thread(target=wait)
    waiting.start()
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as another:
        sleeps = "SELECT true FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        until(lambda: another.execute(sleeps, [pid]).fetchone())
        another.execute("SELECT pg_terminate_backend(%s)", [pid])
    waiting.join(10)
    (failure,) = failures
    assert isinstance(failure, psycopg.errors.AdminShutdown)
    assert connection.connection.pgconn.status != psycopg.pq.ConnStatus.OK


def test_interruption_closes_the_session(exchange, monkeypatch):
    """An answer may be on its way that the next question would take for its own."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exchange.session, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exchange.ask([(SELECT, [1])])
    assert connection.connection.closed


SLOW = "SELECT pg_sleep(0.6)"


@pytest.fixture
def slow_session() -> Iterator[None]:
    """The one that is given up on sleeps on; the test database is dropped only after that."""
    yield
    left = "SELECT 1 FROM pg_stat_activity WHERE query = %s AND state = 'active'"
    until(lambda: not execute(left, SLOW))


@pytest.mark.usefixtures("slow_session")
def test_answer_that_takes_too_long_is_given_up_on_and_closes_the_session(exchange):
    with pytest.raises(psycopg.OperationalError) as late:
        exchange.ask([(SLOW.encode(), [])], seconds=0.1)
    assert late.value.sqlstate is None
    assert connection.connection.closed


@pytest.mark.usefixtures("slow_session")
def test_session_of_web_gives_up_on_an_answer_of_the_orm_too(exchange):
    exchange.session.answer_seconds = 0.1
    with pytest.raises(DatabaseError) as late:
        execute(SLOW)
    assert meaning_of(late.value) is Meaning.UNAVAILABLE
    assert connection.connection.closed
