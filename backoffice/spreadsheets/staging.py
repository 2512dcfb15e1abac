"""What the database keeps of a file from its preview on, and makes of it once all rows are right."""

import json
import zlib
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import timedelta
from typing import Any, TypedDict
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count, Model, Sum
from django.db.models.functions import Coalesce, Length, Now
from django.utils.translation import gettext as _

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.columns import Row, Spreadsheet
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.models import Upload
from backoffice.spreadsheets.refusals import refusal
from core.db.transactions import atomic_with_retries

KEPT = timedelta(days=1)
# Of one account; the oldest give way to its next one.
MAX_PER_ACCOUNT = 5
# Of all accounts, compressed as they are kept.
MAX_FILES = 100
MAX_TOTAL_BYTES = 256 * 1024 * 1024

BATCH_SIZE = 1_000
# Up to here a sequence's values are taken one by one; nobody else takes so many within the moment of a jump.
SETVAL_THRESHOLD = 100_000


@atomic_with_retries
def keep_upload(*, owner_id: int, model: type[Model], name: str, content: bytes) -> UUID:
    """Keep a file for its import into a model's table; the key to take it by.

    Raises ValidationError where all that is kept would be more than MAX_FILES or MAX_TOTAL_BYTES, Busy where
    others keep so many at once that the lock was not had in time.
    """
    compressed = zlib.compress(content, 1)
    with connection.cursor() as cursor:
        # What two add at once would both be within the bounds, and their sum beyond.
        cursor.execute("LOCK TABLE seeding_upload IN SHARE ROW EXCLUSIVE MODE")
    own = Upload.objects.filter(owner_id=owner_id).order_by("-uploaded_at", "-pk").values("pk")
    Upload.objects.filter(pk__in=[*own[MAX_PER_ACCOUNT - 1 :].values_list("pk", flat=True)]).delete()
    kept = Upload.objects.aggregate(files=Count("pk"), bytes=Coalesce(Sum(Length("content")), 0))
    if kept["files"] >= MAX_FILES or kept["bytes"] + len(compressed) > MAX_TOTAL_BYTES:
        raise refusal("too_many_uploads")
    pk: UUID = Upload.objects.create(
        owner_id=owner_id, target=_target(model), name=name[:255], content=compressed
    ).pk
    return pk


class KeptFile(TypedDict):
    """A file as it was uploaded."""

    file_name: str
    content: bytes


def take_upload(*, pk: UUID, owner_id: int, model: type[Model]) -> KeptFile | None:
    """The file, for who asks first; None for the second, after a day, and for another account or table."""
    own = Upload.objects.filter(pk=pk, owner_id=owner_id, target=_target(model))
    found = own.filter(uploaded_at__gt=Now() - KEPT).first()
    if found is None or not own.delete()[0]:
        return None
    return {"file_name": found.name, "content": zlib.decompress(found.content)}


def forget_old_uploads() -> int:
    """Forget the files that nobody confirmed within a day; how many they were."""
    deleted, _by_model = Upload.objects.filter(uploaded_at__lte=Now() - KEPT).delete()
    return deleted


def _target(model: type[Model]) -> str:
    return model._meta.label_lower  # noqa: SLF001 - documented API


def create_tables() -> None:
    """Make empty temporary tables, private to the transaction that is open and gone at its end."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_TABLES)


def stage(*, spreadsheet: Spreadsheet, rows: Iterable[Row], log: ImportLog) -> None:
    """Keep what rows change until `write`: new rows in the file's order, changed ones by id.

    Each row that changes has its entry in the log from here on. Entries take longer than the changes
    themselves, and orders wait from `write` on.
    """
    staged: dict[str, list[dict[str, Any]]] = {"new": [], "changed": []}
    changed = []
    for row in rows:
        if row.kind == "new":
            staged["new"].append({"key": row.number, "changes": row.changes})
        elif row.kind == "changed":
            changed.append((row.stored, spreadsheet.log_parts(row)))
            place = {"key": row.stored.pk, "number": row.number, "version": row.stored.version}
            staged["changed"].append({**place, "changes": row.changes})
    log.rows_changed(changed)
    with connection.cursor() as cursor:
        for kind, changes in staged.items():
            cursor.execute(sql.STAGE, [kind, json.dumps(changes, default=str)])


def write(*, spreadsheet: Spreadsheet, log: ImportLog, in_bulk: bool) -> list[Row]:
    """Insert and update what is staged; the rows that no longer fit what is stored, where none is written.

    Each new row has an entry in the log unless `in_bulk`. Raises ValidationError where a row was deleted
    since it was read.

    Changed rows are locked last, all by one statement and by ascending id, as checkout takes its products:
    they wait for each other shortly, and never in a circle. Only those that changed since they were read are
    read again. What orders and staff change in other fields of these rows meanwhile stays.
    """
    model: Any = spreadsheet.model
    with connection.cursor() as cursor:
        (highest,) = cursor.execute(sql.HIGHEST_NEW_ID).fetchone()
    advance_sequence(model=model, up_to=highest)
    for batch in _staged_new():
        added = model._default_manager.bulk_create([model(**changes) for changes in batch])  # noqa: SLF001
        if not in_bulk:
            log.rows_added(added)
    refused: list[Row] = []
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
    """What the staged changes make of these locked rows, checked against what they are now."""
    stored = spreadsheet.model._default_manager.in_bulk(ids)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        staged = cursor.execute(sql.STAGED_CHANGED, [ids]).fetchall()
    rows = []
    for key, number, changes in staged:
        extra = {name: changes[name] for name in changes if name in spreadsheet.extra_names}
        values = {name: changes[name] for name in changes if name not in extra}
        new = copy(stored[key])
        for name, value in values.items():
            setattr(new, name, value)
        row = Row(number, {"id": key, **changes}, values, extra, stored=stored[key], new=new)
        spreadsheet.check(row)
        rows.append(row)
    return rows


def _update(spreadsheet: Spreadsheet) -> None:
    """Write the changed fields alone of the locked rows."""
    quote = connection.ops.quote_name
    table = quote(spreadsheet.model._meta.db_table)  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        for (fields,) in cursor.execute(sql.CHANGED_FIELDS).fetchall():
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
