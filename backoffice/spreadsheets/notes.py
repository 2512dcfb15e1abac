"""What an import has to remember of a whole file: kept in the database, so that no process grows with it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL

_OPEN = """
CREATE TEMPORARY TABLE seeding_seen (kind text, said text, number bigint, PRIMARY KEY (kind, said))
    ON COMMIT DROP;
CREATE TEMPORARY TABLE seeding_planned
    (kind text, key bigint, fields text[], changes json, PRIMARY KEY (kind, key)) ON COMMIT DROP
"""
_CLOSE = "DROP TABLE pg_temp.seeding_seen, pg_temp.seeding_planned"

_SEE = """
INSERT INTO pg_temp.seeding_seen
SELECT %s, said, number FROM unnest(%s::text[], %s::bigint[]) AS rows(said, number)
ON CONFLICT DO NOTHING
"""
_SEEN = "SELECT said, number FROM pg_temp.seeding_seen WHERE kind = %s AND said = ANY(%s::text[])"
_PLAN = """
INSERT INTO pg_temp.seeding_planned
SELECT %s, key, ARRAY(SELECT json_object_keys(changes) ORDER BY 1), changes
FROM json_to_recordset(%s::json) AS rows(key bigint, changes json)
"""
_PLANNED = """
SELECT key, changes::text FROM pg_temp.seeding_planned WHERE kind = %s AND key > %s ORDER BY key LIMIT %s
"""
_KEYS = "SELECT key FROM pg_temp.seeding_planned WHERE kind = %s AND key > %s ORDER BY key LIMIT %s"
_BETWEEN = "SELECT key FROM pg_temp.seeding_planned WHERE kind = %s AND key BETWEEN %s AND %s"
_FIELDS = "SELECT DISTINCT fields FROM pg_temp.seeding_planned WHERE kind = %s AND key BETWEEN %s AND %s"

Changes = dict[str, Any]


@contextmanager
def notebook() -> Iterator[None]:
    """Somewhere to note things within the transaction that is open, private to it and gone at its end."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)
        yield
        cursor.execute(_CLOSE)


def first_rows(*, kind: str, said: Iterable[tuple[str, int]]) -> dict[str, int]:
    """For each of these, which are of a kind and in the file's order: the first row of the file with it."""
    rows: dict[str, int] = {}
    for each, number in said:
        rows.setdefault(each, number)
    with connection.cursor() as cursor:
        cursor.execute(_SEE, [kind, [*rows], [*rows.values()]])
        cursor.execute(_SEEN, [kind, [*rows]])
        return dict(cursor.fetchall())


def plan(*, kind: str, changes: Mapping[int, Changes]) -> None:
    """Note what is to be written, each under a key of its own."""
    rows = [{"key": key, "changes": each} for key, each in changes.items()]
    with connection.cursor() as cursor:
        cursor.execute(_PLAN, [kind, json.dumps(rows, default=str)])


def planned(*, kind: str, size: int) -> Iterator[dict[int, Changes]]:
    """What was noted, by ascending key and `size` at a time; moments as texts."""
    for rows in _pages(_PLANNED, kind, size):
        yield {key: json.loads(changes) for key, changes in rows}


def planned_keys(*, kind: str, size: int) -> Iterator[list[int]]:
    """The keys of what was noted, ascending and `size` at a time."""
    for rows in _pages(_KEYS, kind, size):
        yield [key for (key,) in rows]


def among(*, kind: str, keys: Sequence[int]) -> RawSQL:
    """These keys, ascending, as a subquery: thousands of them need not be sent."""
    return RawSQL(_BETWEEN, [kind, keys[0], keys[-1]])  # noqa: S611 - our words # nosec B611


def write_planned(*, kind: str, keys: Sequence[int], model: type[Model]) -> None:
    """Write what was noted under these keys, ascending, into the rows with these ids.

    Nothing passes through this process, which is much faster than the ORM: checkouts wait for its end.
    """
    table = model._meta.db_table  # noqa: SLF001 - documented API
    between: tuple[Any, ...] = (kind, keys[0], keys[-1])
    with connection.cursor() as cursor:
        cursor.execute(_FIELDS, between)
        for (fields,) in cursor.fetchall():
            cursor.execute(_update(table, fields), [*between, fields])


def _update(table: str, columns: Sequence[str]) -> str:
    quote = connection.ops.quote_name
    changed = ", ".join(f"{quote(column)} = file.{quote(column)}" for column in columns)
    return (
        f"UPDATE {quote(table)} AS there SET {changed} FROM pg_temp.seeding_planned AS planned,"  # noqa: S608 - our names # nosec B608
        f" json_populate_record(NULL::{quote(table)}, planned.changes) AS file"
        " WHERE kind = %s AND key BETWEEN %s AND %s AND fields = %s AND there.id = key"
    )


def _pages(statement: str, kind: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
    last = -1
    with connection.cursor() as cursor:
        while rows := cursor.execute(statement, [kind, last, size]).fetchall():
            yield rows
            last = rows[-1][0]
