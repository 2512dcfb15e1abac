"""What a whole file changes: staged in the database until all of it is known to be right, then written."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.validation import Row

BATCH_SIZE = 1_000
# Up to here a sequence's values are taken one by one; nobody else takes so many within the moment of a jump.
SETVAL_THRESHOLD = 100_000


def create_tables() -> None:
    """Make empty temporary tables, private to the transaction that is open and gone at its end."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_TABLES)


def stage(rows: Iterable[Row]) -> None:
    """Keep what rows change until `write`: new rows in the file's order, changed ones by id."""
    staged: dict[str, list[dict[str, Any]]] = {"new": [], "changed": []}
    for row in rows:
        if row.kind in staged:
            key = row.number if row.stored is None else row.stored.pk
            staged[row.kind].append({"key": key, "changes": row.changes})
    with connection.cursor() as cursor:
        for kind, changes in staged.items():
            cursor.execute(sql.STAGE, [kind, json.dumps(changes, default=str)])


def write(*, model: type[Model], log: ImportLog | None) -> None:
    """Insert and update what is staged. Raises ValidationError where a row was deleted since it was read.

    Updates come last and by ascending id, as checkout takes its products: they wait for each other shortly,
    and never in a circle. What orders and staff change in other fields of these rows meanwhile stays.
    """
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        (highest,) = cursor.execute(sql.HIGHEST_NEW_ID).fetchone()
    advance_sequence(model=model, up_to=highest)
    for batch in _staged("new"):
        added = manager.bulk_create([model(**changes) for _key, _fields, changes in batch])
        if log:
            log.rows_added(added)
    if log:
        for batch in _staged("changed"):
            log.rows_changed({key: changes for key, _fields, changes in batch})
    for batch in _staged("changed"):
        _update(model, [key for key, _fields, _changes in batch], {tuple(each[1]) for each in batch})


def _update(model: type[Model], ids: Sequence[int], kinds: Iterable[Sequence[str]]) -> None:
    """Write the changed fields alone of the rows with these ids, which are ascending."""
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    locked = manager.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk")
    if len(locked.values_list("pk", flat=True)) < len(ids):
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        for fields in kinds:
            changes = ", ".join(f"{quote(each)} = file.{quote(each)}" for each in fields)
            statement = sql.UPDATE_FROM_STAGED.format(table=table, changes=changes)
            cursor.execute(statement, [ids[0], ids[-1], [*fields]])


def advance_sequence(*, model: type[Model], up_to: int) -> None:
    """Let the sequence of a table's ids go on after `up_to`, whoever inserts meanwhile; it never goes back.

    As with any sequence, a rollback does not give the values back.
    """
    with connection.cursor() as cursor:
        (sequence,) = cursor.execute(sql.SEQUENCE_OF_ID, [model._meta.db_table]).fetchone()  # noqa: SLF001
        (following,) = cursor.execute(sql.NEXT_VALUE.format(sequence)).fetchone()
        if up_to - following >= SETVAL_THRESHOLD:
            cursor.execute(sql.SET_SEQUENCE, [sequence, up_to])
        elif up_to >= following:
            # One by one: setval could undo what somebody else took since we looked.
            cursor.execute(sql.ADVANCE_SEQUENCE, [sequence, following, up_to])


def _staged(kind: str) -> Iterator[list[tuple[Any, ...]]]:
    last = -1
    with connection.cursor() as cursor:
        while rows := cursor.execute(sql.STAGED, [kind, last, BATCH_SIZE]).fetchall():
            yield rows
            last = rows[-1][0]
