"""What is on sale and who buys."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from factory.random import reseed_random

from coupons.factories import CouponFactory
from products.factories import ProductFactory
from products.models import Product
from users.factories import UserFactory

MEMBERS = 48


@dataclass
class Market:
    """Ids, the units ever put on the shelf, the prices ever asked, and the coupons that people hold."""

    members: list[int]
    hot: list[int]
    scarce: list[int]
    ordinary: list[int]
    stocked: dict[int, int]
    prices: dict[int, set[int]]
    campaigns: list[int]
    coupons: dict[int, list[int]] = field(default_factory=dict)  # what a member may still hold

    @property
    def products(self) -> list[int]:
        """All that is on sale."""
        return [*self.hot, *self.scarce, *self.ordinary]


def open_market(chance: Random) -> Market:
    """48 members without points; 2 hot products, 4 scarce ones and 10 others; 6 campaigns."""
    reseed_random(chance.random())
    hot, scarce, ordinary = _products(2, 1_000_000), _products(4, 20), _products(10, 2_000)
    every = [*hot, *scarce, *ordinary]
    return Market(
        members=[user.pk for user in UserFactory.create_batch(MEMBERS)],
        hot=[each.pk for each in hot],
        scarce=[each.pk for each in scarce],
        ordinary=[each.pk for each in ordinary],
        stocked={each.pk: each.stock for each in every},
        prices={each.pk: {each.price} for each in every},
        campaigns=[open_campaign(chance) for _ in range(6)],
    )


def _products(count: int, stock: int) -> list[Product]:
    return ProductFactory.create_batch(count, stock=stock)


def open_campaign(chance: Random) -> int:
    """A campaign of some terms; its id."""
    terms: dict[str, Any] = chance.choice(
        [
            {"fixed": True},
            {"discount_value": 10, "max_discount": 500},
            {"discount_value": 30, "max_discount": None},
        ]
    )
    return CouponFactory(quantity=chance.choice([5, 20, 100]), **terms).pk
