"""The log is listed newest first, of one account, kind, row or field, and searched by the beginning of a name."""

from django.db import migrations

CHANGED_FIELDS = (
    r"jsonb_path_query_array(CASE WHEN change_message IS JSON ARRAY"
    r" AND change_message !~* '\\u(0000|d[89a-f])' THEN change_message::jsonb END,"
    r" '$[*].changes.fields[*].field')"
)
INDEXES = {
    "action_log_newest_first": "(action_time, id)",
    "action_log_by_account": "(user_id, action_time, id)",
    "action_log_by_kind": "(content_type_id, action_time, id)",
    "action_log_by_row": "(object_id, content_type_id, action_time, id)",
    "action_log_by_name": "(object_repr varchar_pattern_ops)",
    "action_log_by_field": f"USING gin (({CHANGED_FIELDS}))",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("staff", "0003_validate_moments_within_calendar"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]
    operations = [
        migrations.RunSQL(statement, reverse)
        for name, columns in INDEXES.items()
        for statement, reverse in (
            # What an interrupted migration leaves behind is of no use.
            (f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop),
            (
                f"CREATE INDEX CONCURRENTLY {name} ON django_admin_log {columns}",
                f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            ),
        )
    ]
