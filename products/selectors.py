"""Reading products."""

from typing import Any

from django.db.models import QuerySet

from core.db.exchange import send_one
from core.db.pages import Page, PageShape
from core.db.statements import statement, variants
from products.models import Product, ProductQuerySet

SHOWN = ("id", "name", "price", "stock")
# Lowest stock first; at equal stock the product that sold more.
LOWEST_STOCK_FIRST = ("stock", "-units_sold", "pk")


@statement
def _product(*, product_id: int) -> "QuerySet[Product, Any]":
    return Product.objects.filter(pk=product_id).values_list(*SHOWN, named=True)


@variants("shape")
def _products(*, shape: PageShape, pk: int | None) -> "QuerySet[Product, Any]":
    return shape.of(Product.objects.all(), ["id"], pk=pk).values_list(*SHOWN, named=True)


def product(*, product_id: int) -> list[Any]:
    """The product of that id, if any, as it is displayed."""
    return send_one(_product(product_id=product_id))


def products(page: Page) -> list[Any]:
    """A page of products, as they are displayed."""
    return send_one(_products(**page.by_id))


def low_stock(*, limit: int) -> ProductQuerySet:
    """The products low on stock, at most `limit`: LOWEST_STOCK_FIRST.

    It reads every product, 200,000 in some 10 ms. An index on the stock would cost more, as every order
    changes the stock.
    """
    return Product.objects.low().order_by(*LOWEST_STOCK_FIRST)[:limit]
