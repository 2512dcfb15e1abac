"""Coupons in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.forms import model_to_dict
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesRadioFilter, RadioFilter
from unfold.decorators import action

from backoffice.base import ReadOnlyAdmin, StaleWriteForm
from backoffice.filters import DayRangeFilter
from backoffice.formatting import (
    NOTHING,
    badge,
    link,
    link_column,
    list_url,
    number,
    number_column,
    timestamp,
    won,
)
from backoffice.spreadsheets.export_admin import ExportAdmin
from coupons import selectors
from coupons.closing import ClosingAdmin
from coupons.exports import ISSUED_COUPONS, STATUSES
from coupons.models import TERMS, Coupon, DiscountTerms, IssuedCoupon, status_of
from coupons.spreadsheets import CouponSpreadsheet

STATUS_COLOURS = {"usable": "success", "used": "info", "expired": "warning"}
STATE_COLOURS = {"scheduled": "info", "running": "success", "closed": "default", "sold_out": "warning"}
STATES = {
    "scheduled": _("Scheduled"),
    "running": _("Running"),
    "closed": _("Closed"),
    "sold_out": _("Sold out"),
}
# A smaller pace would be shown as none.
SLOWEST_A_MINUTE = 0.1


class CouponForm(StaleWriteForm):
    """A campaign, whose quantity never falls below what is issued."""

    class Meta:
        model = Coupon
        fields = "__all__"
        help_texts = dict.fromkeys(("opens_at", "closes_at"), _("Seoul time; empty for no bound"))

    def clean_quantity(self) -> int:
        # Locked until the save: nothing is issued between this check and it.
        quantity = int(self.cleaned_data["quantity"])
        campaign = Coupon.objects.locked(coupon_ids=[self.instance.pk]).first()
        if campaign and "quantity" in self.changed_data and quantity < campaign.issued:
            raise forms.ValidationError(
                _("%(issued)s are issued already. The quantity cannot be less."),
                params={"issued": campaign.issued},
            )
        return quantity


@admin.display(description=_("Discount"))
def discount(_admin: object, terms: DiscountTerms) -> str:
    if terms.discount_type == DiscountTerms.Type.FIXED:
        return won(terms.discount_value)
    share = f"{terms.discount_value}%"
    if terms.max_discount is None:
        return share
    return gettext("%(share)s, at most %(most)s") % {"share": share, "most": won(terms.max_discount)}


class StateFilter(RadioFilter):
    """Campaigns by their state."""

    title = _("State")
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Promise]]:
        return list(STATES.items())

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        return queryset.with_state(self.value()) if self.value() in STATES else queryset


@admin.register(Coupon)
class CouponAdmin(ClosingAdmin):
    """Campaigns; issued coupons keep the terms at their issue."""

    form = CouponForm
    spreadsheet = CouponSpreadsheet()

    list_display = ("id", "name", "state", "discount", "total", "given", "left", "opens_at", "closes_at")
    list_display_links = ("id", "name")
    list_filter = (StateFilter, ("discount_type", ChoicesRadioFilter))
    find_by = search_fields = ("name", "=id")
    search_help_text = _("Coupon id or a part of the name")
    readonly_fields = ("state", "given", "left", "used", "pace", "holders", "created_at")
    actions_detail = ("close", "copy")
    fieldsets = (
        (
            None,
            {
                "description": _(
                    "A change holds for coupons issued from then on. Issued ones keep their terms."
                ),
                "fields": ("state", *TERMS),
            },
        ),
        (
            _("Quantity"),
            {
                "description": _(
                    "A larger quantity lets a sold-out coupon issue again at once. It cannot be less than the"
                    " number issued."
                ),
                "fields": ("quantity", ("given", "left"), ("used", "pace"), "holders"),
            },
        ),
        (
            _("Period"),
            {
                "description": _(
                    "Decides when members can take one. What they hold can be used until its own expiry,"
                    " also after the coupon closes."
                ),
                "fields": ("opens_at", "closes_at", "created_at"),
            },
        ),
    )
    add_fieldsets = (
        (None, {"fields": (*TERMS, "quantity")}),
        (_("Period"), {"fields": ("opens_at", "closes_at")}),
    )

    discount = discount
    total = number_column("quantity", _("Quantity"))
    given = number_column("issued", _("Issued"))
    left = number_column("remaining", _("Remaining"), is_stored=False)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        coupons: QuerySet[Coupon] = super().get_queryset(request)
        return coupons.annotate(read_at=Now())

    @admin.display(description=_("State"))
    def state(self, coupon: Coupon) -> str:
        state = coupon.state_at(coupon.read_at)  # type: ignore[attr-defined]  # by get_queryset
        return badge(state, str(STATES[state]), STATE_COLOURS)

    @admin.display(description=_("Used"))
    def used(self, coupon: Coupon) -> str:
        # On a campaign's page alone: a list would count for each row.
        share = selectors.used_share(coupon_id=coupon.pk)
        if not share.counted:
            return number(0)
        used = f"{number(share.used)} ({share.used / share.counted:.1%})"
        if share.counted == coupon.issued:
            return used
        return gettext("%(used)s of the first %(counted)s") % {"used": used, "counted": number(share.counted)}

    @admin.display(description=_("Issued a minute"))
    def pace(self, coupon: Coupon) -> str:
        forecast = selectors.issue_forecast(coupon_id=coupon.pk)
        if forecast.per_minute is None:
            return NOTHING
        pace = f"{forecast.per_minute:,.1f}"
        if forecast.per_minute < SLOWEST_A_MINUTE:
            daily = f"{forecast.per_minute * 60 * 24:,.1f}"
            pace = gettext("less than 0.1, %(count)s a day") % {"count": daily}
        if forecast.sold_out_at is None:
            return pace
        sold_out = gettext("Sold out about %(when)s") % {"when": timestamp(forecast.sold_out_at)}
        return f"{pace} · {sold_out}"

    def has_copy_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        return bool(self.has_view_permission(request) and self.has_add_permission(request))

    @action(  # type: ignore[untyped-decorator]  # Unfold has no types
        description=_("Copy"), permissions=["copy"], icon="content_copy"
    )
    def copy(self, request: HttpRequest, object_id: str) -> Any:
        source = self.get_object(request, object_id)
        if source is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "GET":
            text = gettext("The terms of %(name)s are filled in. Check the period before you save.")
            self.message_user(request, text % {"name": source}, messages.INFO)
        return self.changeform_view(
            request, None, extra_context={"title": gettext("Copy of %(name)s") % {"name": source}}
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        # No other address fills in a form (BaseAdmin).
        address: Any = request.resolver_match
        if address.url_name != "coupons_coupon_copy":
            return {}
        source = self.get_object(request, address.kwargs["object_id"])
        return model_to_dict(source, [*TERMS, "quantity", "opens_at", "closes_at"]) if source else {}

    @admin.display(description=_("Issued coupons"))
    def holders(self, coupon: Coupon) -> SafeString:
        return link(list_url("coupons_issuedcoupon", coupon__id__exact=coupon.pk), gettext("See who has one"))


class StatusFilter(RadioFilter):
    """Issued coupons by their status."""

    title = _("State")
    parameter_name = "status"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Promise]]:
        return list(STATUSES.items())

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        return queryset.with_status(self.value()) if self.value() in STATUSES else queryset


@admin.register(IssuedCoupon)
class IssuedCouponAdmin(ExportAdmin, ReadOnlyAdmin):
    """Issued coupons and their holders."""

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
        issued: QuerySet[IssuedCoupon] = super().get_queryset(request)
        return issued.annotate(read_at=Now())

    @admin.display(description=_("State"))
    def status(self, issued: IssuedCoupon) -> str:
        status = status_of(issued, now=issued.read_at)  # type: ignore[attr-defined]  # by get_queryset
        return badge(status, str(STATUSES[status]), STATUS_COLOURS)
