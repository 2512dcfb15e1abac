"""Refusals as a file."""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.refusals.models import Refusal
from backoffice.spreadsheets.columns import Column
from backoffice.spreadsheets.exports import Export, columns_of


class JsonColumn(Column):
    """What the answer said beside its texts, as it was sent."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - a text in either file
        return json.dumps(value, ensure_ascii=False) if value else ""


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
            "extension_members": "",
            "times": "",
            "request_id": "",
        },
        kinds={"extension_members": JsonColumn},
    ),
)
