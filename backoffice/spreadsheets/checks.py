"""Asking the database's own constraints about rows that are not in it yet."""

import json
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

_CONSTRAINTS = """
SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conrelid = %s::regclass AND contype = 'c' ORDER BY conname
"""


def violations(*, rows: Sequence[Model]) -> dict[int, list[ValidationError]]:
    """What the constraints of their table would refuse, by place in `rows`; nothing is written or locked."""
    if not rows:
        return {}
    meta = type(rows[0])._meta  # noqa: SLF001 - documented API
    messages = {each.name: each.get_violation_error_message() for each in meta.constraints}
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [meta.db_table])
        checks = dict(cursor.fetchall())
        cursor.execute(_question(meta.db_table, [*checks.values()]), [_as_json(rows)])
        found = cursor.fetchall()
    return {
        place - 1: [
            ValidationError(messages.get(name, name), code=name)
            for name, holds in zip(checks, answers, strict=True)
            if holds is False
        ]
        for place, *answers in found
    }


def _question(table: str, checks: Sequence[str]) -> str:
    """Which rows of a JSON list fail, and what of; the conditions are in the catalogue's own words."""
    conditions = [f"({check})".replace("%", "%%") for check in checks]
    rows = f"jsonb_populate_recordset(NULL::{connection.ops.quote_name(table)}, %s::jsonb)"
    return (
        f"SELECT ordinality, {', '.join(conditions)} "  # noqa: S608 - no word of anybody's # nosec B608
        f"FROM {rows} WITH ORDINALITY WHERE NOT ({' AND '.join(conditions)})"
    )


def _as_json(rows: Sequence[Model]) -> str:
    """What the rows say; where the database has the last word, they say nothing."""
    columns = [(field.column, field.attname) for field in rows[0]._meta.concrete_fields]  # noqa: SLF001
    values = [{column: getattr(row, name) for column, name in columns} for row in rows]
    said = [{c: v for c, v in row.items() if not isinstance(v, DatabaseDefault)} for row in values]
    return json.dumps(said, default=str)
