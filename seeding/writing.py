"""Writing what a whole file changes, at its end and within one transaction."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from api import actionlog
from seeding import numbering
from seeding.headings import field_of
from seeding.rows import Plan, portions

PORTION = 1_000
LOCKED_AT_ONCE = 10_000
CAME_FROM = gettext_noop("From the file {file}.")
IN_BULK = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")


def write(plan: Plan, *, model: type[Model], log: "Log") -> None:
    """Insert and update. Raises ValidationError where a row has vanished since it was read.

    Updates come last and by ascending id, as checkout takes its products: they wait for each other shortly,
    and never in a circle. What orders and operators change in other fields of these rows meanwhile stays.
    """
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    numbering.reserve(model=model, up_to=max((row.get("id", 0) for row in plan.inserts), default=0))
    for rows in portions(iter(plan.inserts), PORTION):
        log.added(manager.bulk_create([model(**row) for row in rows]))
    updates = sorted(plan.updates, key=lambda update: update[0])
    for changes in portions(iter(updates), PORTION):
        log.changing(dict(changes))
    log.finish(plan)
    for changes in portions(iter(updates), LOCKED_AT_ONCE):
        _update(model, dict(changes))


def _update(model: type[Model], changes: dict[int, dict[str, Any]]) -> None:
    """Write the changed fields alone."""
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    locked = manager.select_for_update(of=("self",), no_key=True).filter(pk__in=changes).order_by("pk")
    if len(locked.values_list("pk", flat=True)) < len(changes):
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    for fields in sorted({tuple(sorted(change)) for change in changes.values()}):
        rows = [{"id": pk, **change} for pk, change in changes.items() if tuple(sorted(change)) == fields]
        _write_at_once(model, fields, rows)


def _write_at_once(model: type[Model], fields: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """One statement, some ten times as fast as the ORM's for many rows: checkouts wait for its end."""
    quote = connection.ops.quote_name
    columns = [quote(field_of(model, name).column) for name in fields]
    table = quote(model._meta.db_table)  # noqa: SLF001 - documented API
    changed = ", ".join(f"{column} = file.{column}" for column in columns)
    given = f"jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS file"
    statement = f"UPDATE {table} SET {changed} FROM {given} WHERE {table}.id = file.id"  # noqa: S608 - our names
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(rows, default=str)])


class Log:
    """What the admin's log says: an entry for each row or, in bulk, one for the file."""

    def __init__(self, *, staff_id: int, file: str, model: type[Model], in_bulk: bool) -> None:
        self.staff_id = staff_id
        self.file = file[:100]
        self.model = model
        self.in_bulk = in_bulk

    def added(self, rows: Sequence[Model]) -> None:
        """Rows that are new."""
        if not self.in_bulk:
            message = [{"added": {}}, actionlog.told(CAME_FROM, file=self.file)]
            LogEntry.objects.log_actions(self.staff_id, rows, ADDITION, message)

    def changing(self, changes: dict[int, dict[str, Any]]) -> None:
        """Rows whose fields are about to be changed."""
        if self.in_bulk:
            return
        rows = self.model._default_manager.in_bulk(changes)  # noqa: SLF001 - documented API
        for fields in {tuple(change) for change in changes.values()}:
            with translation.override(None):  # as Django keeps them: they are translated when they are read
                names = [str(field_of(self.model, name).verbose_name) for name in fields]
            message = [{"changed": {"fields": names}}, actionlog.told(CAME_FROM, file=self.file)]
            same = [row for pk, row in rows.items() if tuple(changes[pk]) == fields]
            LogEntry.objects.log_actions(self.staff_id, same, CHANGE, message)

    def finish(self, plan: Plan) -> None:
        """The file."""
        if self.in_bulk:
            told = actionlog.told(IN_BULK, file=self.file, added=len(plan.inserts), changed=len(plan.updates))
            LogEntry.objects.create(
                user_id=self.staff_id,
                content_type=ContentType.objects.get_for_model(self.model),
                object_repr=self.file,
                action_flag=CHANGE,
                change_message=json.dumps([told]),
            )
