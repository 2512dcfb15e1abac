"""What is on sale and who buys, and an operator who keeps changing it."""

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from factory.random import reseed_random

from coupons.factories import CouponFactory
from coupons.models import Coupon
from products.factories import ProductFactory
from products.models import Product
from products.services import adjust_stock
from tests.kit.processes import until
from users.factories import UserFactory

MEMBERS = 48
LOST = (OperationalError, InterfaceError)


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
        campaigns=[_campaign(chance) for _ in range(6)],
    )


def _products(count: int, stock: int) -> list[Product]:
    return ProductFactory.create_batch(count, stock=stock)


def _campaign(chance: Random) -> int:
    terms: dict[str, Any] = chance.choice(
        [
            {"fixed": True},
            {"discount_value": 10, "max_discount": 500},
            {"discount_value": 30, "max_discount": None},
        ]
    )
    return CouponFactory(quantity=chance.choice([5, 20, 100]), **terms).pk


class Operator:
    """Restocks, changes prices, raises quantities and opens campaigns, until told to stop."""

    def __init__(self, market: Market, chance: Random) -> None:
        self.market = market
        self.chance = chance
        self.acts: dict[str, int] = {}

    def work(self, closing: threading.Event) -> None:
        """An act now and then; one that the database did not confirm is looked into."""
        acts = (self.restock, self.reprice, self.raise_quantity, self.open_campaign)
        while not closing.wait(self.chance.uniform(0.1, 0.7)):
            act = self.chance.choice(acts)
            try:
                act()
            except LOST:
                connection.close()
                continue
            self.acts[act.__name__] = self.acts.get(act.__name__, 0) + 1
        connection.close()

    def restock(self) -> None:
        """More of a product."""
        product_id, units = self.chance.choice(self.market.products), self.chance.randint(1, 20)
        try:
            adjust_stock(product_id=product_id, delta=units)
        except LOST:
            if ever_stocked(product_id) != self.market.stocked[product_id] + units:
                raise
        self.market.stocked[product_id] += units

    def reprice(self) -> None:
        """Another price; it counts from now on, or from a confirmation that got lost."""
        product_id = self.chance.choice(self.market.products)
        price = self.chance.randrange(3_000, 15_000, 100)
        self.market.prices[product_id].add(price)
        Product.objects.filter(pk=product_id).update(price=price)

    def raise_quantity(self) -> None:
        """More coupons of a campaign."""
        coupon_id = self.chance.choice(self.market.campaigns)
        Coupon.objects.filter(pk=coupon_id).update(quantity=F("quantity") + self.chance.randint(1, 10))

    def open_campaign(self) -> None:
        """Another campaign."""
        self.market.campaigns.append(_campaign(self.chance))


def ever_stocked(product_id: int) -> int:
    """What is left and what was sold, once the database answers."""

    def look() -> int | None:
        try:
            product = Product.objects.get(pk=product_id)
        except LOST:
            connection.close()
            time.sleep(0.2)
            return None
        return product.stock + product.units_sold

    return until(look, seconds=120)
