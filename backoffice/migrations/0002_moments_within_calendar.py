"""As in the shop's own tables: one row beyond would break a page of the admin, or every page of one session."""

from django.db import migrations

CALENDAR = "BETWEEN '1900-01-01 00:00:00+00' AND '9998-12-31 00:00:00+00'"
CONSTRAINTS = {
    (
        "auth_user",
        "staff_account_moments_within_calendar",
    ): f"last_login {CALENDAR} AND date_joined {CALENDAR}",
    ("django_admin_log", "action_log_time_within_calendar"): f"action_time {CALENDAR}",
    ("django_session", "session_end_within_calendar"): f"expire_date {CALENDAR}",
}


class Migration(migrations.Migration):
    atomic = False  # one lock at a time
    dependencies = [
        ("staff", "0001_roles"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("sessions", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        )
        for (table, name), condition in CONSTRAINTS.items()
    ]
