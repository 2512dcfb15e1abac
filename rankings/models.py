"""The read model of the best sellers: sums over the hours that can no longer change."""

from django.db import models
from django.db.models import F, Q

from products.models import Product


class SalesWindow(models.Model):
    """The one row that says which hours the sums below cover: `from_at < ordered_at <= to_at`.

    The database empties the window and counts `version` up when somebody rewrites the history of orders.
    """

    from_at = models.DateTimeField("시작")
    to_at = models.DateTimeField("끝")
    version = models.BigIntegerField("판", default=0, db_default=0)

    class Meta:
        verbose_name = "집계 구간"
        verbose_name_plural = "집계 구간"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="sales_window_single_row"),
            models.CheckConstraint(condition=Q(from_at__lte=F("to_at")), name="sales_window_not_reversed"),
        ]

    def __str__(self) -> str:
        return f"{self.from_at:%F %H:%M} – {self.to_at:%F %H:%M}"


class ProductSales(models.Model):
    """What one product sold in the window: units, and their amount in won."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True, verbose_name="상품")
    units = models.BigIntegerField("판매량")
    amount = models.DecimalField("판매액", max_digits=40, decimal_places=0)

    class Meta:
        verbose_name = "상품별 판매량"
        verbose_name_plural = "상품별 판매량"
        indexes = [models.Index(fields=["-units", "product"], name="product_sales_best_first")]
        constraints = [models.CheckConstraint(condition=Q(units__gt=0), name="product_sales_units_positive")]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.units}"
