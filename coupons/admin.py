"""Coupons in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesRadioFilter, RadioFilter

from backoffice.base import ReadOnlyAdmin, StaleWriteForm
from backoffice.filters import DayRangeFilter
from backoffice.formatting import badge, link, link_column, list_url, number, number_column, won
from backoffice.spreadsheets.admin import SpreadsheetAdmin
from backoffice.spreadsheets.export_admin import ExportAdmin
from coupons.exports import ISSUED_COUPONS, STATUSES
from coupons.models import Coupon, DiscountTerms, IssuedCoupon, status_of
from coupons.spreadsheets import CouponSpreadsheet

STATUS_COLOURS = {"usable": "success", "used": "info", "expired": "warning"}


class CouponForm(StaleWriteForm):
    """A campaign, whose quantity never falls below what is issued."""

    class Meta:
        model = Coupon
        fields = "__all__"
        help_texts = dict.fromkeys(("opens_at", "closes_at"), _("Seoul time; empty for no bound"))

    def clean_quantity(self) -> int:
        """The quantity. Raises ValidationError below what is issued, which stands still until the save."""
        quantity = int(self.cleaned_data["quantity"])
        campaign = Coupon.objects.locked(coupon_id=self.instance.pk).first()
        if campaign and quantity < campaign.issued:
            raise forms.ValidationError(
                _("%(issued)s are issued already. The quantity cannot be less."),
                params={"issued": campaign.issued},
            )
        return quantity


@admin.display(description=_("Discount"))
def discount(_admin: object, terms: DiscountTerms) -> str:
    """What the coupon takes off, in words."""
    if terms.discount_type == DiscountTerms.Type.FIXED:
        return won(terms.discount_value)
    share = f"{terms.discount_value}%"
    if terms.max_discount is None:
        return share
    return gettext("%(share)s, at most %(most)s") % {"share": share, "most": won(terms.max_discount)}


@admin.register(Coupon)
class CouponAdmin(SpreadsheetAdmin):
    """Campaigns are put in here; what people hold keeps the terms it was issued on."""

    form = CouponForm
    spreadsheet = CouponSpreadsheet()

    list_display = ("id", "name", "discount", "total", "given", "left", "opens_at", "closes_at")
    list_display_links = ("id", "name")
    list_filter = (("discount_type", ChoicesRadioFilter),)
    find_by = search_fields = ("name", "=id")
    search_help_text = _("Coupon id or a part of the name")
    readonly_fields = ("given", "left", "used", "holders", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "discount_type", "discount_value", "max_discount")}),
        (_("Quantity"), {"fields": ("quantity", ("given", "left", "used"), "holders")}),
        (_("Period"), {"fields": ("opens_at", "closes_at", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("name", "discount_type", "discount_value", "max_discount", "quantity")}),
        (_("Period"), {"fields": ("opens_at", "closes_at")}),
    )

    discount = discount
    total = number_column("quantity", _("Quantity"))
    given = number_column("issued", _("Issued"))
    left = number_column("remaining", _("Remaining"), is_stored=False)

    @admin.display(description=_("Used"))
    def used(self, coupon: Coupon) -> str:
        """How many of the issued ones were used: counted for one campaign, never for a list of them."""
        return number(IssuedCoupon.objects.filter(coupon=coupon).exclude(used_at=None).count())

    @admin.display(description=_("Issued coupons"))
    def holders(self, coupon: Coupon) -> SafeString:
        return link(list_url("coupons_issuedcoupon", coupon__id__exact=coupon.pk), gettext("See who has one"))


class StatusFilter(RadioFilter):
    """What can be done with an issued coupon."""

    title = _("State")
    parameter_name = "status"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Promise]]:
        return list(STATUSES.items())

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        return queryset.with_status(self.value()) if self.value() in STATUSES else queryset


@admin.register(IssuedCoupon)
class IssuedCouponAdmin(ExportAdmin, ReadOnlyAdmin):
    """Who holds what."""

    exports = (ISSUED_COUPONS,)

    list_display = ("id", "coupon_link", "sequence", "member", "status", "issued_at", "expires_at", "used_at")
    list_select_related = ("coupon", "user")
    list_filter = (StatusFilter, ("issued_at", DayRangeFilter))
    linked_lookups = ("coupon__id__exact", "user__id__exact")
    search_fields = ("=id", "=user", "=coupon")
    search_help_text = _("Id of the issued coupon, the coupon or the member")
    fields = (
        "coupon_link",
        "member",
        "sequence",
        "status",
        "name",
        "discount",
        "issued_at",
        "expires_at",
        "used_at",
    )

    coupon_link = link_column("coupon", _("Coupon"))
    member = link_column("user", _("Member"))
    discount = discount

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Issued coupons, each with the time at which it was read."""
        issued: QuerySet[IssuedCoupon] = super().get_queryset(request)
        return issued.annotate(read_at=Now())

    @admin.display(description=_("State"))
    def status(self, issued: IssuedCoupon) -> str:
        status = status_of(issued, now=issued.read_at)  # type: ignore[attr-defined]  # by get_queryset
        return badge(status, str(STATUSES[status]), STATUS_COLOURS)
