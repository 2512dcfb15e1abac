"""The meaning of each SQLSTATE for the shop: PostgreSQL's appendix A, class by class.

A test walks psycopg's list, so that a class it learns later is decided on too.
"""

from enum import StrEnum

from django.db import DatabaseError, InterfaceError, OperationalError
from psycopg import Error


class Meaning(StrEnum):
    """The shop's reaction to a failure of the database."""

    CONFLICT = "conflict"  # nothing was written: run it again
    BUSY = "busy"  # somebody holds what is needed, and nothing was written
    UNAVAILABLE = "unavailable"  # no server here that takes writes: close the connection and ask again
    BUG = "bug"  # ours, or an operator's: missing tables or rights


_BUGS = "02 03 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 2B 2D 2F 34 38 39 3B 3F 42 44 54 55 HV P0 XX"
_CLASSES = {
    Meaning.CONFLICT: ("40", "72"),
    # Connections, authentication, no such database, resources, an operator's intervention, errors of the
    # system, a broken configuration. pgbouncer says 08P01 whatever is wrong behind it.
    Meaning.UNAVAILABLE: ("08", "28", "3D", "53", "57", "58", "F0"),
    Meaning.BUG: _BUGS.split(),
}
# Codes that differ from the rest of their class.
_CODES = {
    Meaning.CONFLICT: (
        "23503",  # foreign_key_violation: what is referred to was deleted meanwhile; the next attempt says so
        *("26000", "42P05"),  # plans_are_lost
    ),
    Meaning.BUSY: (
        "55P03",  # lock_not_available
        "57014",  # query_canceled
    ),
    Meaning.UNAVAILABLE: (
        "25006",  # read_only_sql_transaction: a standby, or default_transaction_read_only
        "25P03",  # idle_in_transaction_session_timeout
        "25P04",  # transaction_timeout
        "40003",  # statement_completion_unknown
        "54000",  # program_limit_exceeded: no transaction ids left
    ),
    Meaning.BUG: ("40002",),  # transaction_integrity_constraint_violation
}
MEANINGS = {key: meaning for table in (_CLASSES, _CODES) for meaning, keys in table.items() for key in keys}
_ENDS_SESSION = ("FATAL", "PANIC")


def meaning_of(error: DatabaseError | InterfaceError) -> Meaning:
    cause = error.__cause__
    if not isinstance(cause, Error) or cause.sqlstate is None:
        # A failed connection has no SQLSTATE.
        lost = isinstance(error, OperationalError | InterfaceError)
        return Meaning.UNAVAILABLE if lost else Meaning.BUG
    if cause.diag.severity_nonlocalized in _ENDS_SESSION:
        return Meaning.UNAVAILABLE
    if plans_are_lost(cause):
        return Meaning.CONFLICT
    return MEANINGS.get(cause.sqlstate) or MEANINGS.get(cause.sqlstate[:2], Meaning.BUG)


def plans_are_lost(error: Error) -> bool:
    """Whether a session's prepared statements are lost, while the statements themselves are right."""
    # One is gone, or there already: a pooler that does not track them gave the session to others.
    return error.sqlstate in {"26000", "42P05"} or (
        # Or a column that it answers has got another type, were it only a longer varchar:
        # "Cached plan must not change result type", in words that depend on lc_messages.
        error.sqlstate == "0A000" and error.diag.source_function == "RevalidateCachedQuery"
    )
