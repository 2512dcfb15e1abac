"""Members in the admin."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backoffice.formatting import link, list_url, won
from backoffice.spreadsheets.admin import SpreadsheetAdmin
from users.models import User
from users.spreadsheets import MemberSpreadsheet

# What a member has lies in apps above this one: named by table, as the database names it, not imported.
RELATED_LISTS = {
    "orders_order": (_("Orders"), "user__id__exact"),
    "points_pointtransaction": (_("Point ledger"), "user__id__exact"),
    "coupons_issuedcoupon": (_("Issued coupons"), "user__id__exact"),
    "refusals_refusal": (_("Refusals"), "user_id"),
}


@admin.register(User)
class MemberAdmin(SpreadsheetAdmin):
    """Members are put in here, for there is no sign-up."""

    spreadsheet = MemberSpreadsheet()
    list_display = ("id", "name", "balance", "created_at")
    list_display_links = ("id", "name")
    list_select_related = ("pointaccount",)
    sortable_by = ("id",)
    find_by = search_fields = ("^name", "=id")
    search_help_text = _("Member id, or how the name begins")
    readonly_fields = ("created_at", "balance", "related_lists")
    fieldsets = ((None, {"fields": ("name", "created_at", "balance", "related_lists")}),)
    add_fieldsets = ((None, {"fields": ("name",)}),)

    @admin.display(description=_("Balance"), ordering="pointaccount__balance")
    def balance(self, member: User) -> str:
        """What the account holds; one comes with the first charge, until then there is nothing in it."""
        return won(getattr(getattr(member, "pointaccount", None), "balance", 0))

    @admin.display(description=_("See also"))
    def related_lists(self, member: User) -> SafeString:
        """Links to all that is the member's."""
        links = [
            (link(list_url(table, **{lookup: member.pk}), str(name)),)
            for table, (name, lookup) in RELATED_LISTS.items()
        ]
        return format_html_join(" · ", "{}", links)
