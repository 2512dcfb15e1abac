"""SQL that the ORM cannot say: temporary tables, the catalogue, sequences, writing one table from another.

Names of tables and columns are the models' own; conditions are the catalogue's.
"""

from collections.abc import Sequence

from django.db import connection

# What an import has to remember of a whole file stands in the database, for this transaction alone: a web
# process needs the same memory for any number of rows. DROP is for a second import in the same transaction.
CREATE_STAGING_TABLES = """
CREATE TEMPORARY TABLE import_seen (kind text, value text, number bigint, PRIMARY KEY (kind, value))
    ON COMMIT DROP;
CREATE TEMPORARY TABLE import_staged
    (kind text, key bigint, fields text[], changes json, PRIMARY KEY (kind, key)) ON COMMIT DROP
"""
DROP_STAGING_TABLES = "DROP TABLE pg_temp.import_seen, pg_temp.import_staged"

# What was seen first stays: a later row with the same value is told which row that is.
ADD_SEEN = """
INSERT INTO pg_temp.import_seen
SELECT %s, value, number FROM unnest(%s::text[], %s::bigint[]) AS rows(value, number)
ON CONFLICT DO NOTHING
"""
SEEN = "SELECT value, number FROM pg_temp.import_seen WHERE kind = %s AND value = ANY(%s::text[])"

# Rows that change the same fields, whatever their order in a file, are written by one UPDATE.
STAGE = """
INSERT INTO pg_temp.import_staged
SELECT %s, key, ARRAY(SELECT json_object_keys(changes) ORDER BY 1), changes
FROM json_to_recordset(%s::json) AS rows(key bigint, changes json)
"""
HIGHEST_NEW_ID = (
    "SELECT coalesce(max((changes->>'id')::bigint), 0) FROM pg_temp.import_staged WHERE kind = 'new'"
)
# Pages by key: the process holds one at a time, whatever the driver buffers.
STAGED = """
SELECT key, changes::text FROM pg_temp.import_staged WHERE kind = %s AND key > %s ORDER BY key LIMIT %s
"""
STAGED_KEYS = "SELECT key FROM pg_temp.import_staged WHERE kind = %s AND key > %s ORDER BY key LIMIT %s"
# A subquery of an ORM query: thousands of ids need not be sent.
STAGED_BETWEEN = "SELECT key FROM pg_temp.import_staged WHERE kind = 'changed' AND key BETWEEN %s AND %s"
STAGED_FIELDS = (
    "SELECT DISTINCT fields FROM pg_temp.import_staged WHERE kind = 'changed' AND key BETWEEN %s AND %s"
)

# The conditions of constraints, as PostgreSQL itself will check them: Django's `Model.validate_constraints`
# asks once for each row and each constraint, and knows none that a migration wrote in SQL.
CHECK_CONSTRAINTS = """
SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY conname
"""

# Sequences are no models, and Django only resets them.
SEQUENCE_OF_ID = "SELECT pg_get_serial_sequence(%s, 'id')"
SET_SEQUENCE = "SELECT setval(%s, %s)"
ADVANCE_SEQUENCE = "SELECT max(nextval(%s)) FROM generate_series(%s::bigint, %s::bigint)"


def failed_checks(table: str, conditions: Sequence[str]) -> str:
    """Which rows of a JSON list fail which conditions, without writing or locking any."""
    checks = [f"({condition})".replace("%", "%%") for condition in conditions]
    rows = f"jsonb_populate_recordset(NULL::{connection.ops.quote_name(table)}, %s::jsonb)"
    return (
        f"SELECT ordinality, {', '.join(checks)} "  # noqa: S608 # nosec B608
        f"FROM {rows} WITH ORDINALITY WHERE NOT ({' AND '.join(checks)})"
    )


def next_value(sequence: str) -> str:
    """What a sequence gives next, without taking it."""
    return f"SELECT last_value + is_called::int FROM {sequence}"  # noqa: S608 # nosec B608


def update_from_staged(table: str, columns: Sequence[str]) -> str:
    """Write columns of staged rows, from table to table.

    Checkouts wait for its end, and `QuerySet.bulk_update` sends a CASE for each row and column.
    """
    quote = connection.ops.quote_name
    changed = ", ".join(f"{quote(column)} = file.{quote(column)}" for column in columns)
    return (
        f"UPDATE {quote(table)} AS stored SET {changed} FROM pg_temp.import_staged AS staged,"  # noqa: S608 # nosec B608
        f" json_populate_record(NULL::{quote(table)}, staged.changes) AS file"
        " WHERE kind = 'changed' AND key BETWEEN %s AND %s AND fields = %s AND stored.id = key"
    )
