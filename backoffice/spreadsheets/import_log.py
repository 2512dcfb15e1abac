"""What the admin's log says of files: an entry for each row or, of many, one for the file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext_noop

from backoffice import action_log

ROW_IMPORTED = gettext_noop("From the file {file}.")
FILE_IMPORTED = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")
FILE_EXPORTED = gettext_noop("Exported {rows:,} rows into the file {file}.")
FILE_EXPORTED_IN_PART = gettext_noop("Exported {rows:,} rows into the file {file}, found by {query}.")


@dataclass(frozen=True)
class ImportLog:
    """The entries of one file."""

    staff_id: int
    file: str
    model: type[Model]

    def rows_added(self, rows: Iterable[Model]) -> None:
        """Add an entry for each new row."""
        LogEntry.objects.bulk_create(self._of_row(row, ADDITION, {"added": {}}) for row in rows)

    def rows_changed(self, rows: Iterable[tuple[Model, list[dict[str, Any]]]]) -> None:
        """Add an entry for each row that is about to change, with what changes in it."""
        with translation.override(None):  # names as Django keeps them: they are translated when they are read
            LogEntry.objects.bulk_create(self._of_row(row, CHANGE, *parts) for row, parts in rows)

    def file_moved(self, text: str, **values: Any) -> None:
        """Add one entry for the file: FILE_IMPORTED or FILE_EXPORTED, and what it says beside the name."""
        detail = action_log.log_detail(text, file=self.file, **values)
        self._entry(CHANGE, detail, object_repr=self.file).save()

    def _of_row(self, row: Model, flag: int, *what: dict[str, Any]) -> LogEntry:
        detail = action_log.log_detail(ROW_IMPORTED, file=self.file)
        return self._entry(flag, *what, detail, object_id=row.pk, object_repr=str(row)[:200])

    def _entry(self, flag: int, *message: dict[str, Any], **about: Any) -> LogEntry:
        return LogEntry(
            user_id=self.staff_id,
            content_type=ContentType.objects.get_for_model(self.model),
            action_flag=flag,
            change_message=json.dumps(message),
            **about,
        )
