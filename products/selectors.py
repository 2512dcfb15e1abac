"""Reading products."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField

from core.db.exchange import send
from core.db.pages import Page
from core.db.statements import Bound
from products import statements
from products.models import Product, ProductQuerySet

# The lowest stock first and, of equals, what sold more.
LOWEST_STOCK_FIRST = ("stock", "-units_sold", "pk")


@dataclass(frozen=True, slots=True)
class ProductSnapshot:
    """A product as it stood when it was read: price in won, units in stock, and the database's time."""

    product_id: int
    name: str
    price: int
    stock: int
    read_at: datetime


def offers_of(*, product_ids: Iterable[int]) -> Bound[list[tuple[int, str, int, int, datetime]]]:
    """The statement that reads the products with these ids, those that exist, without a lock."""
    return statements.offers(product_ids=[pk for pk in product_ids if 0 < pk <= BigIntegerField.MAX_BIGINT])


def offers(found: Iterable[tuple[int, str, int, int, datetime]]) -> dict[int, ProductSnapshot]:
    return {row[0]: ProductSnapshot(*row) for row in found}


def read_offers(*, product_ids: Iterable[int]) -> dict[int, ProductSnapshot]:
    """The products with these ids, those that exist, by id."""
    (found,) = send(offers_of(product_ids=product_ids))
    return offers(found)


def product(*, product_id: int) -> list[Any]:
    """The product of that id, if there is one, as people see it."""
    found: tuple[list[Any]] = send(statements.product(product_id=product_id))
    return found[0]


def products(page: Page) -> list[Any]:
    """A page of products, as people see them."""
    found: tuple[list[Any]] = send(statements.products(**page.by_id))
    return found[0]


def low_stock(*, limit: int) -> ProductQuerySet:
    """The products that run out, at most `limit`: LOWEST_STOCK_FIRST.

    It reads every product, 200,000 in some 10 ms. An index on the stock would cost every order, which changes
    it, more than that.
    """
    return Product.objects.low().order_by(*LOWEST_STOCK_FIRST)[:limit]
