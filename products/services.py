"""Taking stock at checkout, and adjusting it by hand."""

from collections.abc import Iterable, Mapping

from django.db.models import F

from core.db.statements import Bound
from products import statements
from products.models import Product
from products.problems import OutOfStock, ProductNotFound, Shortage
from products.selectors import ProductSnapshot

# What refuses stock that was taken since it was looked at.
GUARD = "product_stock_not_negative"


class StockBelowZero(Exception):
    """An operator takes off more than is left."""


def require_products(*, offers: Mapping[int, ProductSnapshot], product_ids: Iterable[int]) -> None:
    """Raise ProductNotFound unless every product was found."""
    missing = [pk for pk in product_ids if pk not in offers]
    if missing:
        raise ProductNotFound(product_ids=missing)


def require_stock(*, offers: Mapping[int, ProductSnapshot], quantities: Mapping[int, int]) -> None:
    """Raise OutOfStock unless every product, as it was read, has the quantity asked for."""
    shortages = [
        Shortage(product_id, quantity, offers[product_id].stock)
        for product_id, quantity in quantities.items()
        if offers[product_id].stock < quantity
    ]
    if shortages:
        raise OutOfStock(shortages=shortages)


def taken(*, quantities: Mapping[int, int]) -> list[Bound[int]]:
    """Statements that take each product's quantity, for the end of the transaction that sells it.

    GUARD refuses where one has sold out since it was looked at. Rows are taken by ascending id, so that two
    baskets never wait for each other in a circle.
    """
    return [statements.take(product_id=pk, quantity=quantities[pk]) for pk in sorted(quantities)]


def adjust_stock(*, product_id: int, delta: int) -> None:
    """Add units, or take some off with a negative number, beside running orders. Raises StockBelowZero."""
    enough = Product.objects.filter(pk=product_id, stock__gte=-delta)
    if not enough.update(stock=F("stock") + delta):
        raise StockBelowZero
