"""Products in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import BigIntegerField
from django.http import HttpRequest

from api.admin import SeedingAdmin
from products import services
from products.models import Product


class ProductForm(forms.ModelForm):
    """A product; once it exists its stock is changed by a difference, for orders change it meanwhile."""

    stock_change = forms.IntegerField(
        label="재고 조정",
        required=False,
        help_text="더할 수량, 빼려면 음수. 그 사이의 주문은 그대로 반영돼요.",
    )

    class Meta:
        model = Product
        fields = ("name", "price", "stock")

    def clean_stock_change(self) -> int:
        """The difference. Raises ValidationError for more than is left, which stands still until the save."""
        by = self.cleaned_data["stock_change"] or 0
        product = Product.objects.locked(product_id=self.instance.pk).first()
        if product and product.stock + by < 0:
            raise forms.ValidationError(f"지금 남은 재고는 {product.stock}개예요. 그보다 많이 뺄 수 없어요.")
        if product and product.stock + by > BigIntegerField.MAX_BIGINT:
            raise forms.ValidationError("그렇게 많은 재고는 담을 수 없어요.")
        return by


@admin.register(Product)
class ProductAdmin(SeedingAdmin):
    """Products are put in and restocked here."""

    form = ProductForm
    list_display = ("id", "name", "price", "stock", "units_sold", "created_at")
    search_fields = ("name", "=id")

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """A new product has a stock, an existing one a difference."""
        seen = ("stock", "stock_change", "units_sold", "created_at") if obj else ("stock",)
        return ("name", "price", *seen)

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        """The stock of an existing product is never overwritten."""
        return ("stock", "units_sold", "created_at") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save, and restock beside running orders."""
        super().save_model(request, obj, form, change)
        if change and (by := form.cleaned_data["stock_change"]):
            services.adjust_stock(product_id=obj.pk, by=by)
