"""Checkout's reads of products, taking stock, and adjusting it by hand."""

from typing import Any

from django.db.models import F, QuerySet

from core.db.statements import AnyOf, Update, statement
from products.models import Product


@statement
def offers(*, product_ids: list[int]) -> "QuerySet[Product, Any]":
    """The existing products of these ids, each with name, price in won and stock; no lock."""
    return Product.objects.filter(AnyOf(F("pk"), product_ids)).values_list(
        "id", "name", "price", "stock", named=True
    )


@statement
def take(*, product_id: int, quantity: int) -> Update:
    """Take units off the stock; `product_stock_not_negative` refuses if there are fewer."""
    units = {"stock": F("stock") - quantity, "units_sold": F("units_sold") + quantity}
    return Update(Product.objects.filter(pk=product_id), units)


def adjust_stock(*, product_id: int, delta: int) -> None:
    """Add units, or take units off with a negative number, safely beside orders.

    Raises IntegrityError, by `product_stock_not_negative`, for more than is left.
    """
    Product.objects.filter(pk=product_id).update(stock=F("stock") + delta)
