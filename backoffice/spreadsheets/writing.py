"""Writing what a whole file changes, at its end and within one transaction."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from backoffice import action_log
from backoffice.spreadsheets import notes, numbering
from backoffice.spreadsheets.headings import field_of
from backoffice.spreadsheets.rows import Plan

PORTION = 1_000
LOCKED_AT_ONCE = 10_000
CAME_FROM = gettext_noop("From the file {file}.")
WENT_OUT = gettext_noop("Exported into the file {file}.")
IN_BULK = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")


def write(plan: Plan, *, model: type[Model], log: "Log") -> None:
    """Insert and update. Raises ValidationError where a row has vanished since it was read.

    Updates come last and by ascending id, as checkout takes its products: they wait for each other shortly,
    and never in a circle. What orders and operators change in other fields of these rows meanwhile stays.
    """
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    numbering.reserve(model=model, up_to=plan.highest_new_id)
    for rows in plan.inserts(size=PORTION):
        log.added(manager.bulk_create([model(**row) for row in rows]))
    for changes in plan.updates(size=PORTION):
        log.changing(changes)
    log.finish(plan)
    for ids in plan.updated_ids(size=LOCKED_AT_ONCE):
        _update(model, ids)


def _update(model: type[Model], ids: list[int]) -> None:
    """Write the changed fields alone."""
    manager: Any = model._default_manager  # noqa: SLF001 - documented API
    planned = notes.among(kind="update", keys=ids)
    locked = manager.select_for_update(of=("self",), no_key=True).filter(pk__in=planned).order_by("pk")
    if len(locked.values_list("pk", flat=True)) < len(ids):
        raise ValidationError(_("Rows of this file were deleted meanwhile. Please upload it again."))
    notes.write_planned(kind="update", keys=ids, model=model)


class Log:
    """What the admin's log says: an entry for each row or, in bulk, one for the file."""

    def __init__(self, *, staff_id: int, file: str, model: type[Model], in_bulk: bool = False) -> None:
        self.staff_id = staff_id
        self.file = file[:100]
        self.model = model
        self.in_bulk = in_bulk

    def added(self, rows: Sequence[Model]) -> None:
        """Rows that are new."""
        if not self.in_bulk:
            message = [{"added": {}}, action_log.log_detail(CAME_FROM, file=self.file)]
            LogEntry.objects.log_actions(self.staff_id, rows, ADDITION, message)

    def changing(self, changes: dict[int, dict[str, Any]]) -> None:
        """Rows whose fields are about to be changed."""
        if self.in_bulk:
            return
        rows = self.model._default_manager.in_bulk(changes)  # noqa: SLF001 - documented API
        for fields in {tuple(change) for change in changes.values()}:
            with translation.override(None):  # as Django keeps them: they are translated when they are read
                names = [str(field_of(self.model, name).verbose_name) for name in fields]
            message = [{"changed": {"fields": names}}, action_log.log_detail(CAME_FROM, file=self.file)]
            same = [row for pk, row in rows.items() if tuple(changes[pk]) == fields]
            LogEntry.objects.log_actions(self.staff_id, same, CHANGE, message)

    def finish(self, plan: Plan) -> None:
        """The file."""
        if self.in_bulk:
            self._of_file(IN_BULK, added=plan.added, changed=plan.changed)

    def went_out(self) -> None:
        """An export."""
        self._of_file(WENT_OUT)

    def _of_file(self, text: str, **values: Any) -> None:
        LogEntry.objects.create(
            user_id=self.staff_id,
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=self.file,
            action_flag=CHANGE,
            change_message=json.dumps([action_log.log_detail(text, file=self.file, **values)]),
        )
