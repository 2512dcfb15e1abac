"""The read models of sales, by product and by hour: sums over the sales that can no longer change."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.timestamps import within_calendar
from products.models import Product


class SalesWindow(models.Model):
    """One row: the window of the sums by product, `from_at < ordered_at <= to_at`.

    Triggers empty the window and increment `version` when past orders are rewritten.
    """

    from_at = models.DateTimeField(_("From"))
    to_at = models.DateTimeField(_("To"))
    version = models.BigIntegerField(_("Version"), default=0, db_default=0)

    class Meta:
        verbose_name = _("sales window")
        verbose_name_plural = _("sales windows")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="sales_window_single_row"),
            models.CheckConstraint(condition=Q(from_at__lte=F("to_at")), name="sales_window_not_reversed"),
            within_calendar("from_at", "to_at", name="sales_window_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.from_at:%F %H:%M} – {self.to_at:%F %H:%M}"


class ProductSales(models.Model):
    """What one product sold in the window: units, and their amount in won."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, verbose_name=_("Product"))
    units = models.BigIntegerField(_("Units sold"))
    amount = models.DecimalField(_("Sales amount"), max_digits=40, decimal_places=0)

    class Meta:
        verbose_name = _("sales of a product")
        verbose_name_plural = _("sales by product")
        indexes = [models.Index(fields=["-units", "product"], name="product_sales_best_first")]
        constraints = [
            models.CheckConstraint(condition=Q(units__gt=0), name="product_sales_units_positive"),
            # PostgreSQL's numeric includes NaN, which is larger than all numbers.
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lt=10**40), name="product_sales_amount_is_a_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.units}"


class HourlySales(models.Model):
    """Orders and won paid in an hour of the clock that no order can enter any more.

    It is valid while its `version` is the window's: a rewrite of past orders invalidates all hours.
    """

    starts_at = models.DateTimeField(_("Hour"), primary_key=True)
    orders = models.BigIntegerField(_("Orders"))
    paid = models.DecimalField(_("Sales paid"), max_digits=40, decimal_places=0)
    version = models.BigIntegerField(_("Version"))

    class Meta:
        verbose_name = _("sales of an hour")
        verbose_name_plural = _("sales by hour")
        constraints = [
            models.CheckConstraint(condition=Q(orders__gte=0), name="hourly_sales_orders_not_negative"),
            models.CheckConstraint(
                condition=Q(paid__gte=0, paid__lt=10**40), name="hourly_sales_paid_is_a_number"
            ),
            within_calendar("starts_at", name="hourly_sales_within_calendar"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%F %H:%M}: {self.orders}"
