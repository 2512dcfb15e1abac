"""What each failure of the database means, for every SQLSTATE that the driver knows."""

import psycopg
import pytest
from django.db import (
    DatabaseError,
    DataError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
)
from psycopg import errors

from core.db import sqlstates
from core.db.sqlstates import Meaning, meaning_of
from core.db.transactions import database_problem
from core.tests.test_transactions import fail_with

# Beside the codes the driver lists their names, of which none is so short and has a digit.
KNOWN = sorted(code for code in vars(errors)["_sqlcodes"] if len(code) == 5 and any(map(str.isdigit, code)))
CONFLICTS = {"23503", "26000", "40000", "40001", "40P01", "42P05", "72000"}
BUSY = {"55P03", "57014"}
# One of each kind, for the reader; the walk below holds for all.
UNAVAILABLE = {
    *(
        "08000",
        "08006",
        "08P01",
        "28000",
        "28P01",
        "3D000",
        "53100",
        "53200",
        "53300",
        "57P01",
        "57P02",
        "57P03",
    ),
    *("57P05", "58030", "25006", "25P03", "25P04", "40003", "54000", "F0000"),
}
BUGS = {
    "0A000",
    "22003",
    "23505",
    "23514",
    "25P02",
    "42501",
    "42P01",
    "54001",
    "55000",
    "P0001",
    "XX000",
}


def raised(sqlstate: str) -> DatabaseError:
    """Django's exception for an error that PostgreSQL itself raised."""
    with pytest.raises(DatabaseError) as failed:
        fail_with(sqlstate)
    return failed.value


def test_sqlstate_classes_of_the_driver_are_all_classified():
    assert KNOWN
    assert {code[:2] for code in KNOWN} <= sqlstates.MEANINGS.keys()


def test_sqlstate_class_that_is_not_classified_would_be_noticed(monkeypatch):
    monkeypatch.delitem(sqlstates.MEANINGS, "53")
    with pytest.raises(AssertionError):
        test_sqlstate_classes_of_the_driver_are_all_classified()


@pytest.mark.parametrize("table", [sqlstates._CLASSES, sqlstates._CODES], ids=["classes", "codes"])
def test_sqlstate_is_classified_once(table):
    listed = [key for keys in table.values() for key in keys]
    assert len(listed) == len(set(listed))


@pytest.mark.django_db(transaction=True)
def test_sqlstate_as_postgresql_raises_it_has_one_meaning():
    meanings = {code: meaning_of(raised(code)) for code in KNOWN}
    assert {code for code, meaning in meanings.items() if meaning is Meaning.CONFLICT} == CONFLICTS
    assert {code for code, meaning in meanings.items() if meaning is Meaning.BUSY} == BUSY
    assert {code for code, meaning in meanings.items() if meaning is Meaning.UNAVAILABLE} >= UNAVAILABLE
    assert {code for code, meaning in meanings.items() if meaning is Meaning.BUG} >= BUGS


@pytest.mark.django_db(transaction=True)
def test_sqlstate_of_no_known_class_is_a_bug():
    assert meaning_of(raised("ZZ123")) is Meaning.BUG


@pytest.mark.django_db(transaction=True)
def test_session_that_ended_is_unavailable_whatever_its_sqlstate(monkeypatch):
    with connection.cursor() as cursor, pytest.raises(DatabaseError) as failed:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    monkeypatch.setattr(sqlstates, "MEANINGS", {})
    assert meaning_of(failed.value) is Meaning.UNAVAILABLE
    connection.close()


@pytest.mark.parametrize(
    ("wrapper", "cause", "meaning"),
    [
        (OperationalError, psycopg.OperationalError("connection refused"), Meaning.UNAVAILABLE),
        (OperationalError, errors.ConnectionTimeout("timeout"), Meaning.UNAVAILABLE),
        (OperationalError, errors.PipelineAborted("pipeline aborted"), Meaning.UNAVAILABLE),
        (InterfaceError, psycopg.InterfaceError("the cursor is closed"), Meaning.UNAVAILABLE),
        (InterfaceError, None, Meaning.UNAVAILABLE),  # Django's own: connection already closed
        (DataError, psycopg.DataError("timestamp too large"), Meaning.BUG),
        (InternalError, psycopg.InternalError("no code"), Meaning.BUG),
        (NotSupportedError, psycopg.NotSupportedError("no code"), Meaning.BUG),
        (ProgrammingError, psycopg.ProgrammingError("no result"), Meaning.BUG),
        (DatabaseError, None, Meaning.BUG),
    ],
)
def test_exception_without_sqlstate_is_classified_by_its_kind(wrapper, cause, meaning):
    error = wrapper("x")
    error.__cause__ = cause
    assert meaning_of(error) is meaning


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sqlstate", ["25006", "53100", "08P01"])
def test_unavailable_closes_the_connection(sqlstate):
    problem = database_problem(raised(sqlstate))
    assert problem is not None
    assert problem.code == "unavailable"
    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sqlstate", "code"), [("55P03", "busy"), ("40001", "busy"), ("42P01", None)])
def test_failure_that_another_connection_would_not_mend_keeps_the_connection(sqlstate, code):
    problem = database_problem(raised(sqlstate))
    assert (problem and problem.code) == code
    assert connection.connection is not None
