"""Keeping a table's sequence ahead of the ids that a file brings."""

from django.db import connection
from django.db.models import Model

from backoffice.spreadsheets import sql

# Up to here each value is taken one by one; nobody else takes so many within the moment of a jump.
SETVAL_THRESHOLD = 100_000


def advance_sequence(*, model: type[Model], up_to: int) -> None:
    """Let the sequence of a table's ids go on after `up_to`, whoever inserts meanwhile; it never goes back.

    As with any sequence, a rollback does not give the values back.
    """
    with connection.cursor() as cursor:
        cursor.execute(sql.SEQUENCE_OF_ID, [model._meta.db_table])  # noqa: SLF001 - documented API
        (sequence,) = cursor.fetchone()
        cursor.execute(sql.next_value(sequence))
        (following,) = cursor.fetchone()
        if up_to - following >= SETVAL_THRESHOLD:
            cursor.execute(sql.SET_SEQUENCE, [sequence, up_to])
        elif up_to >= following:
            # One by one: setval could undo what somebody else took since we looked.
            cursor.execute(sql.ADVANCE_SEQUENCE, [sequence, following, up_to])
