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
            self.stdout.write(
                f"Nothing was added, for there are rows already in {', '.join(refusal.tables)}."
            )
            return
        self.stdout.write(
            f"Added {made.users} users, {made.products} products, {made.coupons} coupons and {made.orders} orders."
        )
