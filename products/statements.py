"""Offers, and the one way their stock is taken."""

from datetime import datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from api.lookups import AnyOf
from api.statements import Update, statement
from products.models import Product


@statement
def offers(*, product_ids: list[int]) -> "QuerySet[Product, tuple[int, str, int, int, datetime]]":
    """Those of these ids that exist: id, name, price, stock, and the database's moment; no lock."""
    offered = Product.objects.filter(AnyOf(F("pk"), product_ids)).annotate(seen_at=Now())
    return offered.values_list("pk", "name", "price", "stock", "seen_at")


@statement
def take(*, product_id: int, quantity: int) -> Update:
    """Take units off the stock; `product_stock_not_negative` refuses where there are not so many."""
    units = {"stock": F("stock") - quantity, "units_sold": F("units_sold") + quantity}
    return Update(Product.objects.filter(pk=product_id), units)
