"""Asking the database's own constraints about rows that are not in it yet."""

import json
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

from backoffice.spreadsheets import sql


def violations(*, rows: Sequence[Model]) -> dict[int, list[ValidationError]]:
    """What the constraints of their table would refuse, by place in `rows`; nothing is written or locked."""
    if not rows:
        return {}
    meta = type(rows[0])._meta  # noqa: SLF001 - documented API
    messages = {each.name: each.get_violation_error_message() for each in meta.constraints}
    with connection.cursor() as cursor:
        checks = dict(cursor.execute(sql.CHECK_CONSTRAINTS, [meta.db_table]).fetchall())
        cursor.execute(sql.failed_checks(meta.db_table, [*checks.values()]), [_as_json(rows)])
        found = cursor.fetchall()
    return {
        place - 1: [
            ValidationError(messages.get(name, name), code=name)
            for name, holds in zip(checks, answers, strict=True)
            if holds is False
        ]
        for place, *answers in found
    }


def _as_json(rows: Sequence[Model]) -> str:
    """The rows' values, without those that the database will set."""
    columns = [(field.column, field.attname) for field in rows[0]._meta.concrete_fields]  # noqa: SLF001
    values = [{column: getattr(row, name) for column, name in columns} for row in rows]
    given = [{c: v for c, v in row.items() if not isinstance(v, DatabaseDefault)} for row in values]
    return json.dumps(given, default=str)
