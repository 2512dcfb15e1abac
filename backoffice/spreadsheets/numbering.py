"""Keeping a table's own numbering ahead of the ids that a file brings."""

from django.db import connection
from django.db.models import Model

# As many steps as are cheap; nobody else takes so many within the moment of a jump.
STEPS = 100_000


def reserve(*, model: type[Model], up_to: int) -> None:
    """Let the numbering of a table go on after `up_to`, whoever inserts beside us; it never goes back.

    Numbers are not given back when the transaction is.
    """
    table = model._meta.db_table  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        cursor.execute(f"SELECT last_value + is_called::int FROM {sequence}")  # noqa: S608 - the catalogue's word # nosec B608
        (following,) = cursor.fetchone()
        if up_to - following >= STEPS:
            cursor.execute("SELECT setval(%s, %s)", [sequence, up_to])
        elif up_to >= following:
            # Step by step: setval could undo what somebody else took since we looked.
            cursor.execute(
                "SELECT max(nextval(%s)) FROM generate_series(%s::bigint, %s::bigint)",
                [sequence, following, up_to],
            )
