"""Coupons in the admin."""

from django import forms
from django.contrib import admin

from api.admin import HistoryAdmin, SeedingAdmin
from coupons.models import Coupon, IssuedCoupon


class CouponForm(forms.ModelForm):
    """A campaign, whose quantity never falls below what is issued."""

    class Meta:
        model = Coupon
        fields = "__all__"  # noqa: DJ007 - what is not editable is no field of the form

    def clean_quantity(self) -> int:
        """The quantity. Raises ValidationError below what is issued, which stands still until the save."""
        quantity = int(self.cleaned_data["quantity"])
        campaign = Coupon.objects.locked(coupon_id=self.instance.pk).first()
        if campaign and quantity < campaign.issued:
            raise forms.ValidationError(f"이미 {campaign.issued}장을 발급했어요. 그보다 줄일 수 없어요.")
        return quantity


@admin.register(Coupon)
class CouponAdmin(SeedingAdmin):
    """Campaigns are put in here; what people hold keeps the terms it was issued on."""

    form = CouponForm

    list_display = ("id", "name", "discount_type", "discount_value", "quantity", "issued", "left", "opens_at")
    list_filter = ("discount_type",)
    search_fields = ("name", "=id")
    readonly_fields = ("issued", "left")
    fieldsets = (
        (None, {"fields": ("name", ("discount_type", "discount_value", "max_discount"))}),
        ("수량", {"fields": ("quantity", "issued", "left")}),
        ("발급 기간", {"fields": (("opens_at", "closes_at"),)}),
    )

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
