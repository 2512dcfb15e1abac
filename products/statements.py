"""Offers, and the one way their stock is taken."""

from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from core.db.pages import PageShape
from core.db.statements import AnyOf, Update, statement, variants
from products.models import Product

SHOWN = ("id", "name", "price", "stock")


@statement
def offers(*, product_ids: list[int]) -> "QuerySet[Product, tuple[int, str, int, int, datetime]]":
    """Those of these ids that exist: id, name, price, stock, and the database's time; no lock."""
    offered = Product.objects.filter(AnyOf(F("pk"), product_ids)).annotate(read_at=Now())
    return offered.values_list("pk", "name", "price", "stock", "read_at")


@statement
def take(*, product_id: int, quantity: int) -> Update:
    """Take units off the stock; `product_stock_not_negative` refuses where there are not so many."""
    units = {"stock": F("stock") - quantity, "units_sold": F("units_sold") + quantity}
    return Update(Product.objects.filter(pk=product_id), units)


@statement
def product(*, product_id: int) -> "QuerySet[Product, Any]":
    return Product.objects.filter(pk=product_id).values_list(*SHOWN, named=True)


@variants("shape")
def products(*, shape: PageShape, pk: int | None) -> "QuerySet[Product, Any]":
    """A page of products as people see them."""
    return shape.of(Product.objects.all(), ["id"], pk=pk).values_list(*SHOWN, named=True)
