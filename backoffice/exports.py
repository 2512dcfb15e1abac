"""Export of the admin's log."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext_lazy as _

from backoffice import action_log
from backoffice.spreadsheets.columns import Column
from backoffice.spreadsheets.exports import Export, columns_of


class KindColumn(Column):
    """The row's model, by its readable name."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - a text in either file
        return "" if value is None else str(ContentType.objects.get_for_id(value).name)


class MessageColumn(Column):
    """The entry's message, in the reader's language."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - a text in either file
        return action_log.describe(LogEntry(change_message=value))


LOG = Export(
    LogEntry,
    columns_of(
        LogEntry,
        {
            "id": _("Log entry id"),
            "action_time": "",
            "user__username": _("Staff account"),
            "action_flag": _("Action"),
            "content_type_id": _("Kind"),
            "object_id": _("Row id"),
            "object_repr": _("Row"),
            "change_message": _("What happened"),
        },
        kinds={"content_type_id": KindColumn, "change_message": MessageColumn},
    ),
)
