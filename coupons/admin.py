"""Coupons in the admin."""

from django.contrib import admin

from api.admin import HistoryAdmin, SeedingAdmin
from coupons.models import Coupon, IssuedCoupon


@admin.register(Coupon)
class CouponAdmin(SeedingAdmin):
    """Campaigns are put in here; what people hold keeps the terms it was issued on."""

    list_display = ("id", "name", "discount_type", "discount_value", "quantity", "issued", "left", "opens_at")
    list_filter = ("discount_type",)
    search_fields = ("name", "=id")
    readonly_fields = ("issued", "left", "created_at")

    @admin.display(description="남은 수량")
    def left(self, coupon: Coupon) -> int | str:
        """How many can still be issued."""
        return coupon.remaining if coupon.pk else "-"


@admin.register(IssuedCoupon)
class IssuedCouponAdmin(HistoryAdmin):
    """Who holds what."""

    list_display = ("id", "coupon", "user", "sequence", "issued_at", "expires_at", "used_at")
    list_select_related = ("coupon", "user")
    search_fields = ("=user__id", "=coupon__id")
