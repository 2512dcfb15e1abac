"""SQL that the ORM cannot say: an INSERT of rows that come as one value."""

# A row costs a fifth of what bulk_create takes for it, and an import has a hundred thousand.
INSERT_LOG_ENTRIES = """
INSERT INTO django_admin_log
    (action_time, user_id, content_type_id, action_flag, object_id, object_repr, change_message)
SELECT %s, %s, %s, %s, id, name, message
FROM json_to_recordset(%s::json) AS entries(id text, name text, message text)
"""
