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
from backoffice.spreadsheets.validation import Row, Spreadsheet

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
            staged[row.kind].append({"key": key, "number": row.number, "changes": row.changes})
    with connection.cursor() as cursor:
        for kind, changes in staged.items():
            cursor.execute(sql.STAGE, [kind, json.dumps(changes, default=str)])


def write(*, spreadsheet: Spreadsheet, log: ImportLog, in_bulk: bool) -> list[Row]:
    """Insert and update what is staged; the rows that no longer fit what is stored, where none is written.

    Each row has an entry in the log or, `in_bulk`, just those with differences. Raises ValidationError where
    a row was deleted since it was read.

    Updates come last and by ascending id, as checkout takes its products: they wait for each other shortly,
    and never in a circle. What orders and staff change in other fields of these rows meanwhile stays.
    """
    model: Any = spreadsheet.model
    with connection.cursor() as cursor:
        (highest,) = cursor.execute(sql.HIGHEST_NEW_ID).fetchone()
    advance_sequence(model=model, up_to=highest)
    for batch in _staged("new"):
        added = model._default_manager.bulk_create(  # noqa: SLF001 - documented API
            [model(**changes) for _key, _number, _fields, changes in batch]
        )
        if not in_bulk:
            log.rows_added(added)
    refused: list[Row] = []
    for batch in _staged("changed"):
        rows = _locked(spreadsheet, batch)
        refused += [row for row in rows if row.errors]
        if not refused:
            log.rows_changed([row for row in rows if row.extra or not in_bulk], spreadsheet.log_details)
            _update(spreadsheet, [row.stored.pk for row in rows], {tuple(fields) for *_, fields, _ in batch})
    return refused


def _locked(spreadsheet: Spreadsheet, batch: Sequence[tuple[Any, ...]]) -> list[Row]:
    """Lock the rows of a batch, which has ascending ids, and check what they are now."""
    manager: Any = spreadsheet.model._default_manager  # noqa: SLF001 - documented API
    ids = [key for key, *_rest in batch]
    locked = manager.select_for_update(of=("self",), no_key=True).filter(pk__in=ids).order_by("pk")
    stored = {row.pk: row for row in locked}
    if len(stored) < len(ids):
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    rows = []
    for key, number, _fields, changes in batch:
        extra = {name: changes[name] for name in changes if name in spreadsheet.extra_names}
        values = {name: changes[name] for name in changes if name not in extra}
        row = Row(number, {"id": key, **changes}, values, extra, stored=stored[key])
        spreadsheet.check(row)
        rows.append(row)
    return rows


def _update(spreadsheet: Spreadsheet, ids: Sequence[int], kinds: Iterable[Sequence[str]]) -> None:
    """Write the changed fields alone of the locked rows with these ids, which are ascending."""
    quote = connection.ops.quote_name
    table = quote(spreadsheet.model._meta.db_table)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        for fields in kinds:
            changes = [
                f"{quote(name)} = file.{quote(name)}"
                for name in fields
                if name not in spreadsheet.extra_names
            ]
            differences = [name for name in fields if name in spreadsheet.adjusts]
            changes += [
                sql.ADD_DIFFERENCE.format(field=quote(spreadsheet.adjusts[name])) for name in differences
            ]
            statement = sql.UPDATE_FROM_STAGED.format(table=table, changes=", ".join(changes))
            cursor.execute(statement, [*differences, ids[0], ids[-1], [*fields]])


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
