"""Members by file."""

from backoffice.spreadsheets.resources import FileResource
from users.models import User


class MemberResource(FileResource):
    """Members, of whom two may have the same name."""

    required = ("name",)
    shown_only = ("created_at",)

    class Meta:
        model = User
