"""Balances and the ledger in the admin, read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesRadioFilter

from backoffice.base import ReadOnlyAdmin
from backoffice.filters import DayRangeFilter
from backoffice.formatting import column, link_column, won_column
from backoffice.spreadsheets.export_admin import ExportAdmin
from points.exports import BALANCES, LEDGER
from points.models import PointAccount, PointTransaction


@admin.register(PointAccount)
class PointAccountAdmin(ExportAdmin, ReadOnlyAdmin):
    """Balances."""

    exports = (BALANCES,)

    list_display = ("member_id", "member", "won")
    sortable_by = ("member_id",)
    list_select_related = ("user",)
    search_fields = ("=user",)
    search_help_text = _("Member id")
    fields = ("member", "won")

    member_id = column("user_id", _("Member id"), shown=str)
    member = link_column("user", _("Member"))
    won = won_column("balance", _("Balance"))


@admin.register(PointTransaction)
class PointTransactionAdmin(ExportAdmin, ReadOnlyAdmin):
    """The ledger."""

    exports = (LEDGER,)

    list_display = ("id", "member", "type", "won", "won_after", "linked_order", "created_at")
    list_select_related = ("user", "order")
    list_filter = (("type", ChoicesRadioFilter), ("created_at", DayRangeFilter))
    linked_lookups = ("user__id__exact",)
    search_fields = ("=user", "=order")
    search_help_text = _("Member id or order id")
    fields = ("member", "type", "won", "won_after", "linked_order", "created_at")

    member = link_column("user", _("Member"))
    linked_order = link_column("order", _("Order"))
    won = won_column("amount", _("Amount"))
    won_after = won_column("balance_after", _("Balance after"))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        # Only replays need these.
        entries: QuerySet = super().get_queryset(request)
        return entries.defer("idempotency_key", "request_hash")
