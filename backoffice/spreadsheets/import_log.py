"""What the admin's log says of files: an entry for each row or, of many, one for the file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext_noop

from backoffice import action_log

ROW_IMPORTED = gettext_noop("From the file {file}.")
FILE_IMPORTED = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")
FILE_EXPORTED = gettext_noop("Exported into the file {file}.")


class ImportLog:
    """The entries of one file; those of rows are left out `in_bulk`."""

    def __init__(self, *, staff_id: int, file: str, model: type[Model], in_bulk: bool = False) -> None:
        self.staff_id = staff_id
        self.file = file[:100]
        self.model = model
        self.in_bulk = in_bulk

    def rows_added(self, rows: Sequence[Model]) -> None:
        """Add an entry for each new row."""
        if not self.in_bulk:
            message = [{"added": {}}, action_log.log_detail(ROW_IMPORTED, file=self.file)]
            LogEntry.objects.log_actions(self.staff_id, rows, ADDITION, message)

    def rows_changed(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Add an entry for each row, given by id with the fields that are about to change."""
        if self.in_bulk:
            return
        rows = self.model._default_manager.in_bulk(changes)  # noqa: SLF001 - documented API
        for fields in {tuple(change) for change in changes.values()}:
            with translation.override(None):  # as Django keeps them: they are translated when they are read
                meta: Any = self.model._meta  # noqa: SLF001 - documented API
                names = [str(meta.get_field(name).verbose_name) for name in fields]
            message = [{"changed": {"fields": names}}, action_log.log_detail(ROW_IMPORTED, file=self.file)]
            same = [row for pk, row in rows.items() if tuple(changes[pk]) == fields]
            LogEntry.objects.log_actions(self.staff_id, same, CHANGE, message)

    def file_imported(self, *, added: int, changed: int) -> None:
        """Add one entry for all rows of the file."""
        self._add_entry(FILE_IMPORTED, added=added, changed=changed)

    def file_exported(self) -> None:
        """Add one entry for the file."""
        self._add_entry(FILE_EXPORTED)

    def _add_entry(self, text: str, **values: Any) -> None:
        LogEntry.objects.create(
            user_id=self.staff_id,
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=self.file,
            action_flag=CHANGE,
            change_message=json.dumps([action_log.log_detail(text, file=self.file, **values)]),
        )
