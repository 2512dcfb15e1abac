"""Products in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from backoffice import action_log
from backoffice.base import StaleWriteForm
from backoffice.formatting import number_column, won_column
from backoffice.sections import SectionsAdmin
from backoffice.spreadsheets.admin import SpreadsheetAdmin
from products import services
from products.models import LOW_STOCK, Product
from products.selectors import LOWEST_STOCK_FIRST
from products.spreadsheets import ProductSpreadsheet


class ProductForm(StaleWriteForm):
    """A product; an existing one's stock is changed by a difference, as orders change it meanwhile."""

    stock_change = forms.IntegerField(
        label=_("Adjust stock by"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("5 adds five, -5 takes five. Orders placed meanwhile still count."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Required if the stock changes; the history keeps it."),
    )

    class Meta:
        model = Product
        fields = ("name", "price", "stock", "low_stock_threshold")
        help_texts: ClassVar = {
            "low_stock_threshold": format_lazy(
                _("The product is low on stock when so many are left, or fewer. Empty: {most}."),
                most=LOW_STOCK,
            )
        }

    def clean_stock_change(self) -> int:
        # Locked until the save: no order takes the stock between this check and it.
        by = int(self.cleaned_data["stock_change"] or 0)
        product = Product.objects.locked(product_id=self.instance.pk).first()
        if product:
            product.check_stock_change(by)
        return by

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("stock_change") and not cleaned.get("reason"):
            self.add_error("reason", _("Say why the stock changes."))
        return cleaned


class StockFilter(RadioFilter):
    """Products that are low on stock."""

    title = _("Stock")
    parameter_name = "stock"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, Promise]]:
        return [("low", _("Low stock"))]

    def queryset(self, _request: HttpRequest, queryset: Any) -> Any:
        return queryset.low() if self.value() == "low" else queryset


@admin.register(Product)
class ProductAdmin(SectionsAdmin, SpreadsheetAdmin):
    """Products, added and restocked."""

    form = ProductForm
    spreadsheet = ProductSpreadsheet()
    list_display = ("id", "name", "won", "in_stock", "sold", "created_at")
    list_display_links = ("id", "name")
    list_filter = (StockFilter,)
    find_by = search_fields = ("name", "=id")
    search_help_text = _("Product id or a part of the name")
    readonly_fields = ("in_stock", "sold", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "price")}),
        (_("Stock"), {"fields": ("in_stock", ("stock_change", "reason"), "low_stock_threshold")}),
        (_("Totals"), {"fields": ("sold", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "price", "stock", "low_stock_threshold")}),)

    won = won_column("price", _("Price"))
    in_stock = number_column("stock", _("Stock"))
    sold = number_column("units_sold", _("Units sold"))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        # As on the first page, whose panel leads here.
        return LOWEST_STOCK_FIRST if request.GET.get(StockFilter.parameter_name) == "low" else ("-pk",)

    def get_fieldsets(self, request: HttpRequest, obj: Product | None = None) -> Any:
        # An account that cannot change products gets no adjustment of the stock.
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        typed = ("stock_change", "reason")
        return [
            (title, {**options, "fields": [each for each in options["fields"] if each != typed]})
            for title, options in fieldsets
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if change and (by := form.cleaned_data["stock_change"]):
            services.adjust_stock(product_id=obj.pk, delta=by)
            obj.refresh_from_db(fields=["stock"])

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: Any = False,  # noqa: FBT002 - Django's signature
    ) -> list[dict[str, Any]]:
        form.changed_data = [name for name in form.changed_data if name not in {"stock_change", "reason"}]
        message: list[dict[str, Any]] = super().construct_change_message(request, form, formsets, add)
        if add or not (by := form.cleaned_data["stock_change"]):
            return message
        after, reason = form.instance.stock, form.cleaned_data["reason"]
        stock = action_log.changes(Product, {"stock": after - by}, {"stock": after}, reason=reason)
        return [*message, stock]
