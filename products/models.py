"""Products."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from core.db.fields import NameField, not_blank, positive_id
from core.timestamps import within_calendar

# The default low-stock threshold, in units.
LOW_STOCK = 10


class ProductQuerySet(models.QuerySet["Product"]):
    """Products."""

    def low(self) -> "ProductQuerySet":
        """Products with at most as many units left as their threshold (default LOW_STOCK)."""
        return self.filter(stock__lte=Coalesce("low_stock_threshold", LOW_STOCK))

    def locked(self, *, product_id: int) -> "ProductQuerySet":
        """The product, locked until the transaction ends; order lines that refer to it are not blocked."""
        return self.select_for_update(of=("self",), no_key=True).filter(pk=product_id).order_by("pk")


class Product(models.Model):
    """A product with its price in won, its stock and the units ever sold."""

    name = NameField(_("Product name"))
    price = models.BigIntegerField(_("Price"), help_text=_("Won"))
    stock = models.BigIntegerField(_("Stock"))
    low_stock_threshold = models.BigIntegerField(_("Low-stock threshold"), null=True, blank=True)
    units_sold = models.BigIntegerField(_("Units sold"), default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(_("Registered at"), db_default=Now(), editable=False)

    units: ClassVar = {"price": "won", "stock": "units", "low_stock_threshold": "units"}

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            positive_id(name="product_id_positive"),
            not_blank(name="product_name_not_blank"),
            models.CheckConstraint(
                condition=Q(price__gte=0),
                name="product_price_not_negative",
                violation_error_message=_("A price is 0 won or more."),
            ),
            models.CheckConstraint(
                condition=Q(stock__gte=0),
                name="product_stock_not_negative",
                violation_error_message=_("A stock is 0 or more."),
            ),
            models.CheckConstraint(
                condition=Q(low_stock_threshold=None) | Q(low_stock_threshold__gte=0),
                name="product_low_stock_threshold_not_negative",
                violation_error_message=_("A low-stock threshold is 0 or more."),
            ),
            models.CheckConstraint(condition=Q(units_sold__gte=0), name="product_units_sold_not_negative"),
            within_calendar("created_at", name="product_created_at_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    def check_stock_change(self, delta: int) -> None:
        """Raises ValidationError if less than 0 or more than a bigint would be left; lock the row first."""
        if self.stock + delta < 0:
            raise ValidationError(
                _("Only %(stock)s are left. You cannot take off more."), params={"stock": self.stock}
            )
        if self.stock + delta > models.BigIntegerField.MAX_BIGINT:
            raise ValidationError(_("That is more than can be stored."))

    @property
    def low_at(self) -> int:
        return LOW_STOCK if self.low_stock_threshold is None else self.low_stock_threshold
