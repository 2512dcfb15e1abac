"""SQL that the ORM cannot express: an INSERT of rows from one JSON value."""

# It takes a fifth of bulk_create's time, and an import has up to 100,000 rows.
INSERT_LOG_ENTRIES = """
INSERT INTO django_admin_log
    (action_time, user_id, content_type_id, action_flag, object_id, object_repr, change_message)
SELECT %s, %s, %s, %s, id, name, message
FROM json_to_recordset(%s::json) AS entries(id text, name text, message text)
"""
