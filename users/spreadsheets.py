"""Members by file."""

from backoffice.spreadsheets.validation import Spreadsheet
from users.models import User


class MemberSpreadsheet(Spreadsheet):
    """Members, of whom two may have the same name."""

    model = User
    required = ("name",)
    read_only = ("created_at",)
