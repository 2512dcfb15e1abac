"""Refusals as a file."""

from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from backoffice.refusals.models import Refusal
from backoffice.spreadsheets.columns import Column
from backoffice.spreadsheets.exports import Export, columns_of


class DetailsColumn(Column):
    """What the answer said beside its texts, as JSON."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - a text in either file
        return "" if value == "{}" else value


def with_details(refusals: QuerySet[Refusal]) -> QuerySet[Refusal, Any]:
    """With the extension members as text, `details`, in place of their own field."""
    # PostgreSQL keeps JSON that Python cannot read.
    return refusals.defer("extension_members").annotate(details=Cast("extension_members", TextField()))


REFUSALS = Export(
    Refusal,
    columns_of(
        Refusal,
        {
            "id": _("Refusal id"),
            "refused_at": "",
            "user_id": "",
            "request": "",
            "status": "",
            "code": "",
            "details": TextField(_("Details")),
            "times": "",
            "request_id": "",
        },
        kinds={"details": DetailsColumn},
    ),
    rows=with_details,
)
