"""Balances and the ledger in the admin: to be read; there is no way to change a balance here."""

from django.contrib import admin

from api.admin import HistoryAdmin
from points.models import PointAccount, PointTransaction


@admin.register(PointAccount)
class PointAccountAdmin(HistoryAdmin):
    """Balances."""

    list_display = ("user", "balance")
    list_select_related = ("user",)
    search_fields = ("=user__id", "user__name")


@admin.register(PointTransaction)
class PointTransactionAdmin(HistoryAdmin):
    """The ledger."""

    list_display = ("id", "user", "type", "amount", "balance_after", "order", "created_at")
    list_select_related = ("user", "order")
    list_filter = ("type",)
    search_fields = ("=user__id", "=order__id")
