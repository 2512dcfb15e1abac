"""Members in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from backoffice.formatting import won
from backoffice.sections import SectionsAdmin
from backoffice.spreadsheets.admin import SpreadsheetAdmin
from users.models import User
from users.spreadsheets import MemberSpreadsheet


@admin.register(User)
class MemberAdmin(SectionsAdmin, SpreadsheetAdmin):
    """Members, added here because there is no sign-up."""

    spreadsheet = MemberSpreadsheet()
    list_display = ("id", "name", "balance", "created_at")
    list_display_links = ("id", "name")
    list_select_related = ("pointaccount",)
    sortable_by = ("id",)
    find_by = search_fields = ("^name", "=id")
    search_help_text = _("Member id, or how the name begins")
    readonly_fields = ("id", "balance", "created_at")
    fieldsets = ((None, {"fields": ("id", "name", "balance", "created_at")}),)
    add_fieldsets = ((None, {"fields": ("name",)}),)
    field_permissions = {"balance": "points.view_pointaccount"}

    @admin.display(description=_("Balance"), ordering="pointaccount__balance")
    def balance(self, member: User) -> str:
        # The first charge makes the account.
        return won(getattr(getattr(member, "pointaccount", None), "balance", 0))
