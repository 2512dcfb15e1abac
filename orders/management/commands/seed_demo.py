"""manage.py seed_demo"""

from typing import Any

from django.core.management.base import BaseCommand

from orders import demo


class Command(BaseCommand):
    """Fill an empty shop with demo data."""

    help = "Fill an empty shop with demo users, products, coupons and orders; a shop with rows is left alone."

    def handle(self, **_options: Any) -> None:
        """Seed, or say why not."""
        try:
            made = demo.seed()
        except demo.NotEmpty as refusal:
            self.stdout.write(f"Nothing was added, for there are {', '.join(refusal.tables)} already.")
            return
        people, shelf = f"{made.users} users", f"{made.products} products, {made.coupons} coupons"
        self.stdout.write(f"Added {people}, {shelf}, {made.orders} orders.")
