"""Reads the tables, beside writes. Where it fails: docs/operations.md, Rows that no calendar can show."""

from django.db import migrations

NAMES = {
    "auth_user": "staff_account_moments_within_calendar",
    "django_admin_log": "action_log_time_within_calendar",
    "django_session": "session_end_within_calendar",
}


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_moments_within_calendar")]
    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop)
        for table, name in NAMES.items()
    ]
