"""An operator who keeps changing what is on sale."""

import threading
import time
from random import Random

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F

from coupons.models import Coupon
from products.models import Product
from products.services import adjust_stock
from tests.kit.market import Market, open_campaign
from tests.kit.processes import until

LOST = (OperationalError, InterfaceError)


class Operator:
    """Restocks, changes prices, raises quantities and opens campaigns, until told to stop."""

    def __init__(self, market: Market, chance: Random) -> None:
        self.market = market
        self.chance = chance
        self.acts: dict[str, int] = {}

    def work(self, closing: threading.Event) -> None:
        """Act now and then; look up the outcome of an act that the database did not confirm."""
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
        """Restock a product."""
        product_id, units = self.chance.choice(self.market.products), self.chance.randint(1, 20)
        try:
            adjust_stock(product_id=product_id, delta=units)
        except LOST:
            if ever_stocked(product_id) != self.market.stocked[product_id] + units:
                raise
        self.market.stocked[product_id] += units

    def reprice(self) -> None:
        """Change a price; it is valid from now on, also where the confirmation was lost."""
        product_id = self.chance.choice(self.market.products)
        price = self.chance.randrange(3_000, 15_000, 100)
        self.market.prices[product_id].add(price)
        Product.objects.filter(pk=product_id).update(price=price)

    def raise_quantity(self) -> None:
        """Raise the quantity of a campaign."""
        coupon_id = self.chance.choice(self.market.campaigns)
        Coupon.objects.filter(pk=coupon_id).update(quantity=F("quantity") + self.chance.randint(1, 10))

    def open_campaign(self) -> None:
        """Open a new campaign."""
        self.market.campaigns.append(open_campaign(self.chance))


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
