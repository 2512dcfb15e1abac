"""Demo data: a small café with members, campaigns and orders, made by the factories and the real services."""

import random
from collections.abc import Sequence
from functools import partial

from factory.random import reseed_random

import coupons.services
import points.services
from core.db import turns
from coupons.factories import CouponFactory
from coupons.models import Coupon
from orders.services import Basket, checkout
from products.factories import ProductFactory
from products.models import Product
from users.factories import UserFactory
from users.models import User

USERS = 20
PRODUCTS = 12
ORDERS = 30
SEED = 2026
# More than a user's two orders of two lines can cost.
CHARGE = 200_000
SMALL_QUANTITY = 5


# Two at once would both find the shop empty.
alone = partial(turns.alone, "seed_demo")


class NotEmpty(Exception):
    """There are rows already: `args` are the tables."""


def seed() -> dict[str, int]:
    """Fill an empty shop; how many rows each table got. Raises NotEmpty."""
    rng = begin()
    users = UserFactory.create_batch(USERS)
    products = ProductFactory.create_batch(PRODUCTS)
    campaigns = _open_campaigns()
    for user in users:
        points.services.charge(user_id=user.pk, amount=CHARGE)
    # The first user is the one of the printed examples, and can still take every coupon.
    held = _issue(campaigns, users[1:])
    for number in range(ORDERS):
        user = users[number % USERS]
        coupon = held.pop(user.pk, None) if number % 2 else None
        checkout(basket=Basket(user.pk, _choose(rng, products), issued_coupon_id=coupon))
    return {"users": USERS, "products": PRODUCTS, "coupons": len(campaigns), "orders": ORDERS}


def begin() -> random.Random:
    """What chooses the same each time, as the factories do from here on. Raises NotEmpty."""
    rows = {"users": User.objects, "products": Product.objects, "coupons": Coupon.objects}
    if filled := [name for name, manager in rows.items() if manager.exists()]:
        raise NotEmpty(*filled)
    reseed_random(SEED)
    ProductFactory.reset_sequence(0, force=True)  # type: ignore[no-untyped-call]
    return random.Random(SEED)  # noqa: S311 - no secret # nosec B311


def _open_campaigns() -> list[Coupon]:
    return [
        CouponFactory.create(name="오픈 기념 1,000원 할인", fixed=True, quantity=100),
        CouponFactory.create(name="전 메뉴 10% 할인", discount_value=10, max_discount=3_000, quantity=100),
        CouponFactory.create(
            name=f"선착순 {SMALL_QUANTITY}명 반값", discount_value=50, quantity=SMALL_QUANTITY
        ),
    ]


def _issue(campaigns: Sequence[Coupon], users: Sequence[User]) -> dict[int, int]:
    # All but two of the small campaign's.
    takers = zip(users, [*campaigns] * (SMALL_QUANTITY - 2), strict=False)
    issued = [coupons.services.issue(user_id=user.pk, coupon_id=campaign.pk) for user, campaign in takers]
    return {each.user_id: each.pk for each in issued}


def _choose(rng: random.Random, products: Sequence[Product]) -> dict[int, int]:
    weights = range(len(products), 0, -1)
    chosen = {rng.choices(products, weights)[0].pk for _ in range(2)}
    return {pk: rng.randint(1, 2) for pk in chosen}
