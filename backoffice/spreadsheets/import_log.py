"""What the admin's log says of an import: an entry for each changed row, and for each new one or the file."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.admin.models import ADDITION
from django.db.models import Model
from django.utils.translation import gettext_noop

from backoffice import action_log

ROW_IMPORTED = gettext_noop("From the file {file}.")
FILE_IMPORTED = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")


@dataclass(frozen=True)
class ImportLog:
    """The entries of one file."""

    staff_id: int
    file: str
    model: type[Model]

    def rows_added(self, rows: Iterable[Model]) -> None:
        """Add an entry for each new row."""
        source = action_log.log_detail(ROW_IMPORTED, file=self.file)
        added = [(row, [{"added": {}}, source]) for row in rows]
        action_log.log_rows(staff_id=self.staff_id, rows=added, flag=ADDITION)

    def rows_changed(self, rows: Iterable[tuple[Model, list[action_log.Part]]]) -> None:
        """Add an entry for each row that is about to change, with what changes in it."""
        source = action_log.log_detail(ROW_IMPORTED, file=self.file)
        action_log.log_rows(staff_id=self.staff_id, rows=[(row, [*parts, source]) for row, parts in rows])

    def file_imported(self, *, added: int, changed: int) -> None:
        """Add one entry for the file, with how many rows it added and changed."""
        part = action_log.log_detail(FILE_IMPORTED, file=self.file, added=added, changed=changed)
        action_log.log_file(staff_id=self.staff_id, model=self.model, file=self.file, parts=[part])
