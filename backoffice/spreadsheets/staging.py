"""What a whole file changes: staged in the database until all of it is known to be right, then written."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.rows import Row
from backoffice.spreadsheets.sequences import advance_sequence

BATCH_SIZE = 1_000
LOCK_BATCH_SIZE = 10_000


@contextmanager
def staging_tables() -> Iterator[None]:
    """Temporary tables within the transaction that is open, private to it and gone at its end."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_STAGING_TABLES)
        yield
        cursor.execute(sql.DROP_STAGING_TABLES)


def first_occurrences(*, kind: str, values: Iterable[tuple[str, int]]) -> dict[str, int]:
    """For each of these values, given in the file's order: the first row of the file with it."""
    rows: dict[str, int] = {}
    for value, number in values:
        rows.setdefault(value, number)
    with connection.cursor() as cursor:
        cursor.execute(sql.ADD_SEEN, [kind, [*rows], [*rows.values()]])
        cursor.execute(sql.SEEN, [kind, [*rows]])
        return dict(cursor.fetchall())


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


def write(*, model: type[Model], log: ImportLog) -> None:
    """Insert and update what is staged. Raises ValidationError where a row was deleted since it was read.

    Updates come last and by ascending id, as checkout takes its products: they wait for each other shortly,
    and never in a circle. What orders and staff change in other fields of these rows meanwhile stays.
    """
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    with connection.cursor() as cursor:
        (highest,) = cursor.execute(sql.HIGHEST_NEW_ID).fetchone()
    advance_sequence(model=model, up_to=highest)
    for batch in _batches(sql.STAGED, "new", BATCH_SIZE):
        log.rows_added(manager.bulk_create([model(**json.loads(changes)) for _key, changes in batch]))
    if not log.in_bulk:
        for batch in _batches(sql.STAGED, "changed", BATCH_SIZE):
            log.rows_changed({key: json.loads(changes) for key, changes in batch})
    for batch in _batches(sql.STAGED_KEYS, "changed", LOCK_BATCH_SIZE):
        _update(model, [key for (key,) in batch])


def _update(model: type[Model], ids: Sequence[int]) -> None:
    """Write the changed fields alone of the rows with these ids, which are ascending."""
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    between = [ids[0], ids[-1]]
    staged = RawSQL(sql.STAGED_BETWEEN, between)  # noqa: S611 - our words # nosec B611
    locked = manager.select_for_update(of=("self",), no_key=True).filter(pk__in=staged).order_by("pk")
    if len(locked.values_list("pk", flat=True)) < len(ids):
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    with connection.cursor() as cursor:
        for (fields,) in cursor.execute(sql.STAGED_FIELDS, between).fetchall():
            statement = sql.update_from_staged(model._meta.db_table, fields)  # noqa: SLF001 - documented API
            cursor.execute(statement, [*between, fields])


def _batches(statement: str, kind: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
    last = -1
    with connection.cursor() as cursor:
        while rows := cursor.execute(statement, [kind, last, size]).fetchall():
            yield rows
            last = rows[-1][0]
