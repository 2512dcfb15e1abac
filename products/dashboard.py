"""Products low on stock on the admin's first page, and the step of adding products."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.dashboard import Panel, Step, add_links
from products.models import Product
from products.selectors import low_stock

ROWS = 8


def _low_stock() -> dict[str, Any]:
    return {"rows": low_stock(limit=ROWS)}


PANELS = [Panel("low_stock", 50, "products.view_product", "products/dashboard/low_stock.html", _low_stock)]
STEPS = [
    Step(
        20,
        _("Add products with a price and a stock."),
        Product.objects.exists,
        add_links("products", "product"),
    )
]
