"""The rows of an import in temporary tables, and how they are written once all are right."""

import json
from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext as _

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.columns import Row, Spreadsheet
from backoffice.spreadsheets.import_log import ImportLog

BATCH_SIZE = 1_000
# Up to here a sequence's values are taken one by one; nobody else takes so many within the moment of a jump.
SETVAL_THRESHOLD = 100_000


def create_tables() -> None:
    """Make empty temporary tables, private to the transaction that is open and gone at its end."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_TABLES)


def stage(*, spreadsheet: Spreadsheet, rows: Iterable[Row], log: ImportLog) -> None:
    """Keep what rows change until `write`: new rows in the file's order, changed ones by id.

    Each row that changes has its entry in the log from here on.
    """
    staged: dict[str, list[dict[str, Any]]] = {"new": [], "changed": []}
    changed = []
    for row in rows:
        if row.kind == "new":
            staged["new"].append({"key": row.number, "changes": row.changes})
        elif row.kind == "changed":
            changed.append((row.stored, spreadsheet.log_parts(row)))
            place = {"key": row.stored.pk, "number": row.number, "version": row.stored.version}
            staged["changed"].append({**place, "changes": row.changes, "before": row.overwritten})
    # Entries take longer than the changes themselves, and orders wait from `write` on.
    log.rows_changed(changed)
    with connection.cursor() as cursor:
        for kind, changes in staged.items():
            # `json`, as all of these statements have it: of `jsonb` Django would answer text.
            cursor.execute(sql.STAGE, [kind, json.dumps(changes, default=str)])


def write(*, spreadsheet: Spreadsheet, log: ImportLog, logs_new_rows: bool) -> list[Row]:
    """Insert and update what is staged; the changed rows that no longer fit what is stored.

    Where there are any, the caller must roll back: new rows are inserted by then. Raises ValidationError
    where a row was deleted since it was read. What orders and staff change in other fields of these rows
    meanwhile stays.
    """
    model: Any = spreadsheet.model
    with connection.cursor() as cursor:
        (highest,) = cursor.execute(sql.HIGHEST_NEW_ID).fetchone()
    advance_sequence(model=model, up_to=highest)
    for batch in _staged_new():  # of a new row, fields of the table alone
        added = model._default_manager.bulk_create([model(**changes) for changes in batch])  # noqa: SLF001
        if logs_new_rows:
            log.rows_added(added)
    refused: list[Row] = []
    # Changed rows are locked last, by one statement and by ascending id, as checkout takes its products: they
    # wait for each other shortly, and never in a circle.
    stale = _lock_changed(model)
    for first in range(0, len(stale), BATCH_SIZE):
        rows = _read_again(spreadsheet, stale[first : first + BATCH_SIZE])
        refused += [row for row in rows if row.errors]
        if not refused:
            log.rows_changed_meanwhile([(row.stored, spreadsheet.log_parts(row)) for row in rows])
        if len(refused) >= BATCH_SIZE:  # far more than a page shows
            break
    if not refused:
        _update(spreadsheet)
    return refused


def _staged_new() -> Iterator[list[dict[str, Any]]]:
    last = -1
    with connection.cursor() as cursor:
        while rows := cursor.execute(sql.STAGED_NEW, [last, BATCH_SIZE]).fetchall():
            yield [changes for _key, changes in rows]
            last = rows[-1][0]


def _lock_changed(model: type[Model]) -> list[int]:
    """Lock the stored rows that change; the ids of those that are no longer as they were read."""
    with connection.cursor() as cursor:
        statement = sql.LOCK_CHANGED.format(table=connection.ops.quote_name(model._meta.db_table))  # noqa: SLF001
        lacking, ids = cursor.execute(statement).fetchone()
    if lacking:
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    return list(ids)


def _read_again(spreadsheet: Spreadsheet, ids: list[int]) -> list[Row]:
    stored = spreadsheet.model._default_manager.in_bulk(ids)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        staged = cursor.execute(sql.STAGED_CHANGED, [ids]).fetchall()
    rows = []
    for key, number, changes, before in staged:
        extra = {name: changes[name] for name in changes if name in spreadsheet.extra_names}
        values = {name: changes[name] for name in changes if name not in extra}
        new = copy(stored[key])
        for name, value in values.items():
            setattr(new, name, value)
        row = Row(number, {"id": key, **changes}, values, extra, stored=stored[key], new=new)
        # The UPDATE itself refuses what breaks a constraint by now.
        spreadsheet.check(row)
        if json.loads(json.dumps(row.overwritten, default=str)) != before:
            row.refuse("", _("Somebody changed this row meanwhile."))
        rows.append(row)
    return rows


def _update(spreadsheet: Spreadsheet) -> None:
    quote = connection.ops.quote_name
    table = quote(spreadsheet.model._meta.db_table)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        for (fields,) in cursor.execute(sql.CHANGED_FIELDS).fetchall():
            # `file` is the staged row.
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
            cursor.execute(statement, [*differences, fields])


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
