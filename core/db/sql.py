"""SQL that the ORM cannot express: PostgreSQL's own views, which no model has."""

from typing import Any

from django.db import connection

TAKES_WRITES = "SELECT current_setting('transaction_read_only') = 'off'"
NOW = "SELECT statement_timestamp()"

# Without this connection itself.
LOCK_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""

# A standby confirms within milliseconds.
WAIT_FOR_STANDBY = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE wait_event = 'SyncRep' AND clock_timestamp() - state_change > interval '2 s')
"""

# Without pg_read_all_stats a role sees how many there are that receive WAL, but neither what they are nor how
# far; and of sessions only its own role's. A standby that is silent is as old as its last word.
TOPOLOGY = """
WITH here AS (
    SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_lsn() END AS lsn
), standbys AS (
    SELECT sync_state, CASE WHEN replay_lsn >= here.lsn THEN '0'
        ELSE greatest(replay_lag, clock_timestamp() - reply_time) END AS lag
    FROM pg_stat_replication, here
    WHERE coalesce(state, 'streaming') IN ('streaming', 'catchup')
        AND NOT EXISTS (SELECT FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical')
)
SELECT pg_is_in_recovery() AS is_standby,
    pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
    current_setting('fsync') = 'on' AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') <> '' AS asks_for_standby,
    (SELECT count(*) FROM standbys) AS standbys,
    (SELECT count(*) FROM standbys WHERE sync_state IN ('sync', 'quorum')) AS sync_standbys,
    (SELECT extract(epoch FROM max(lag))::float FROM standbys) AS lag_seconds,
    (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep') AS waiting,
    (SELECT ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int FROM here) AS timeline,
    (
        SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
        FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off' AND NOT pg_is_in_recovery()
    ) AS archiving_fails
"""

FLUSHED = "SELECT pg_current_wal_flush_lsn(), statement_timestamp()"
# Before the snapshot is taken, so that it has everything up to the last commit's timestamp.
REPLAYED = """
SELECT pg_is_in_recovery(), coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false),
    pg_last_xact_replay_timestamp()
"""

# What another role's sessions are is NULL without pg_read_all_stats. Those of no role are PostgreSQL's own.
ALONE = """
SELECT pg_is_in_recovery(), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
"""
# Sequences are no models. The value is NULL until one has been taken.
SEQUENCE = """
SELECT coalesce(last_value, start_value - increment_by), max_value FROM pg_sequences
WHERE schemaname = current_schema() AND sequencename = %s
"""


def one_row(statement: str, *values: Any) -> Any:
    """The only row that a statement by hand answers, as a tuple."""
    with connection.cursor() as cursor:
        return cursor.execute(statement, values or None).fetchone()
