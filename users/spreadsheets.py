"""Members by file."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.columns import Spreadsheet
from users.models import User


class MemberSpreadsheet(Spreadsheet):
    """Members; several may have the same name."""

    model = User
    required = ("name",)
    read_only = ("created_at",)
    templates: ClassVar = {"new": (_("New members"), {"name": _("Hana Kim")})}
