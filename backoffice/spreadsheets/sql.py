"""SQL that the ORM cannot say: temporary tables, the catalogue, sequences, writing one table from another."""

# An import keeps its state of a whole file in temporary tables of its transaction, so that a web process
# needs the same memory for any number of rows.
CREATE_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_seen
    (kind text, value text, number bigint, PRIMARY KEY (kind, value)) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS import_staged
    (kind text, key bigint, number bigint, version bigint, fields text[], changes json, before json,
    PRIMARY KEY (kind, key)) ON COMMIT DROP;
TRUNCATE pg_temp.import_seen, pg_temp.import_staged
"""

# The first row with a value stays: the error of a later one names it.
ADD_SEEN = """
INSERT INTO pg_temp.import_seen
SELECT %s, value, number FROM unnest(%s::text[], %s::bigint[]) AS rows(value, number)
ON CONFLICT DO NOTHING
"""
SEEN = "SELECT value, number FROM pg_temp.import_seen WHERE kind = %s AND value = ANY(%s::text[])"

# The conditions of constraints, as PostgreSQL itself will check them: Django's `Model.validate_constraints`
# asks once for each row and each constraint, and knows none that a migration wrote in SQL.
CHECK_CONSTRAINTS = """
SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY conname
"""

# Rows that change the same fields are written by one UPDATE, in any order of the file.
STAGE = """
INSERT INTO pg_temp.import_staged
SELECT %s, key, number, version, ARRAY(SELECT json_object_keys(changes) ORDER BY 1), changes, before
FROM json_to_recordset(%s::json) AS rows(key bigint, number bigint, version bigint, changes json, before json)
"""
HIGHEST_NEW_ID = (
    "SELECT coalesce(max((changes->>'id')::bigint), 0) FROM pg_temp.import_staged WHERE kind = 'new'"
)
# Pages by key: the process holds one at a time, although the driver buffers a whole result.
STAGED_NEW = """
SELECT key, changes FROM pg_temp.import_staged WHERE kind = 'new' AND key > %s ORDER BY key LIMIT %s
"""
STAGED_CHANGED = """
SELECT key, number, changes, before FROM pg_temp.import_staged
WHERE kind = 'changed' AND key = ANY(%s) ORDER BY key
"""
CHANGED_FIELDS = "SELECT DISTINCT fields FROM pg_temp.import_staged WHERE kind = 'changed'"

# The row's version, which every UPDATE changes; as in the next statement.
ROW_VERSION = "xmin::text::bigint"
# The number of deleted rows, and the rows that have changed since they were read.
LOCK_CHANGED = """
WITH locked AS (
    SELECT key, stored.xmin::text::bigint = version AS is_as_read
    FROM pg_temp.import_staged AS staged JOIN {table} AS stored ON stored.id = key
    WHERE kind = 'changed' ORDER BY key FOR NO KEY UPDATE OF stored
)
SELECT (SELECT count(*) FROM pg_temp.import_staged WHERE kind = 'changed') - count(*),
    coalesce(array_agg(key) FILTER (WHERE NOT is_as_read), '{{}}')
FROM locked
"""

# Sequences are no models, and Django only resets them.
SEQUENCE_OF_ID = "SELECT pg_get_serial_sequence(%s, 'id')"
NEXT_VALUE = "SELECT last_value + is_called::int FROM {}"
SET_SEQUENCE = "SELECT setval(%s, %s)"
ADVANCE_SEQUENCE = "SELECT max(nextval(%s)) FROM generate_series(%s::bigint, %s::bigint)"

# From table to table, because checkouts wait for its end, and `QuerySet.bulk_update` sends a CASE for each
# row and column.
UPDATE_FROM_STAGED = """
UPDATE {table} AS stored SET {changes}
FROM pg_temp.import_staged AS staged, json_populate_record(NULL::{table}, staged.changes) AS file
WHERE kind = 'changed' AND fields = %s AND stored.id = key
"""
# Differences are added to the stored number, which orders may have changed since the file was read.
ADD_DIFFERENCE = "{field} = stored.{field} + (staged.changes->>%s)::bigint"

# By default the planner optimises for the first tenth of a cursor's rows: for last week's orders, sorted by
# number, it would read the whole history from its beginning.
PLAN_CURSORS_FOR_ALL_ROWS = "SET LOCAL cursor_tuple_fraction = 1"
