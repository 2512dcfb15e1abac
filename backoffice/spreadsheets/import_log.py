"""What the admin's log says of an import: an entry for each changed row, and for each new one or the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice import action_log

ROW_IMPORTED = gettext_noop("From the file {file}.")
FILE_IMPORTED = gettext_noop("The file {file} added {added:,} and changed {changed:,}.")


@dataclass(frozen=True)
class ImportLog:
    """The entries of one file, all of one moment."""

    staff_id: int
    file: str
    model: type[Model]
    at: datetime = field(default_factory=timezone.now)

    def rows_added(self, rows: Iterable[Model]) -> None:
        self._add([(row, [{"added": {}}, _values_of(row)]) for row in rows], flag=ADDITION)

    def rows_changed(self, rows: Iterable[tuple[Model, list[action_log.Part]]]) -> None:
        self._add(rows, flag=CHANGE)

    def rows_changed_meanwhile(self, rows: Sequence[tuple[Model, list[action_log.Part]]]) -> None:
        """Replace the entries of rows that others changed after their entries were added."""
        of_file = LogEntry.objects.filter(user_id=self.staff_id, action_time=self.at)
        kind = ContentType.objects.get_for_model(self.model)
        of_file.filter(content_type=kind, object_id__in=[str(row.pk) for row, _parts in rows]).delete()
        self.rows_changed(rows)

    def _add(self, rows: Iterable[tuple[Model, list[action_log.Part]]], *, flag: int) -> None:
        source = action_log.log_detail(ROW_IMPORTED, file=self.file)
        entries = [(row, [*parts, source]) for row, parts in rows]
        action_log.log_rows(staff_id=self.staff_id, rows=entries, flag=flag, at=self.at)

    def file_imported(self, *, added: int, changed: int) -> None:
        part = action_log.log_detail(FILE_IMPORTED, file=self.file, added=added, changed=changed)
        action_log.log_file(staff_id=self.staff_id, model=self.model, file=self.file, parts=[part])


def _values_of(row: Model) -> action_log.Part:
    fields = [
        each
        for each in row._meta.concrete_fields  # noqa: SLF001 - documented API
        if each.editable and not each.primary_key
    ]
    values = {each.name: each.value_from_object(row) for each in fields}
    # What the database is to fill in is no value yet.
    return action_log.initial_values(
        row, {name: value for name, value in values.items() if not hasattr(value, "resolve_expression")}
    )
