"""Demo data of any size: a shop is brought up to so many members, products, campaigns and orders."""

import random
from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from typing import Any

import points.services
import products.services
from coupons.factories import CouponFactory
from coupons.models import Coupon
from orders.models import Order
from orders.selectors import PaidOrder
from orders.services import Basket, checkout
from points.problems import InsufficientPoints
from products.factories import ProductFactory
from products.models import Product
from products.problems import OutOfStock
from users.factories import UserFactory
from users.models import User

MAX_SIZES = {"users": 1_000_000, "products": 100_000, "coupons": 10_000, "orders": 100_000}
FACTORIES: Mapping[str, Any] = {"users": UserFactory, "products": ProductFactory, "coupons": CouponFactory}
MODELS: Mapping[str, Any] = {"users": User, "products": Product, "coupons": Coupon, "orders": Order}
BATCH_SIZE = 1_000
RESTOCKED = 1_000
# Of those who order: the newest members, and what is asked for most, the newest products.
BUYERS, OFFERED = 1_000, 100


class NoBuyersOrProducts(Exception):
    """Orders are wanted, and there is no member or no product."""


def missing(*, sizes: Mapping[str, int]) -> dict[str, int]:
    """By table; one that is large enough is left out."""
    shortfall = {name: size - MODELS[name].objects.count() for name, size in sizes.items()}
    return {name: number for name, number in shortfall.items() if number > 0}


def fill_up_to(*, shortfall: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Add rows, and tell of each step: the table, and how many were just added to it.

    Who orders gets the points for it, and what is sold out is restocked, by the services. Nothing that is
    there is changed otherwise. Stopped midway, the next run goes on. Raises NoBuyersOrProducts.
    """
    for name, factory in FACTORIES.items():
        # Names go on after those of earlier runs.
        factory.reset_sequence(MODELS[name].objects.count(), force=True)
        variants = [{"fixed": True}, {}] if name == "coupons" else [{}]
        rows = (factory.build(**each) for each in islice(cycle(variants), shortfall.get(name, 0)))
        while batch := list(islice(rows, BATCH_SIZE)):
            MODELS[name].objects.bulk_create(batch)
            yield name, len(batch)
    if shortfall.get("orders"):
        for _order in islice(_orders(), shortfall["orders"]):
            yield "orders", 1


def _orders() -> Iterator[PaidOrder]:
    buyers = list(User.objects.order_by("-pk").values_list("pk", flat=True)[:BUYERS])
    offered = list(Product.objects.order_by("-pk").values_list("pk", flat=True)[:OFFERED])
    if not buyers or not offered:
        raise NoBuyersOrProducts
    rng = random.Random()  # noqa: S311 - no secret # nosec B311
    weights = range(len(offered), 0, -1)
    while True:
        chosen = {rng.choices(offered, weights)[0]: rng.randint(1, 3) for _ in range(rng.randint(1, 3))}
        yield _place(Basket(rng.choice(buyers), chosen))


def _place(basket: Basket) -> PaidOrder:
    while True:
        refused: Any
        try:
            return checkout(basket=basket).instance
        except InsufficientPoints as refusal:
            refused = refusal.extension_members
            points.services.charge(user_id=basket.user_id, amount=refused["required"])
        except OutOfStock as refusal:
            refused = refusal.extension_members
            for shortage in refused["shortages"]:
                products.services.adjust_stock(product_id=shortage["product_id"], delta=RESTOCKED)
