"""The best sellers on the admin's first page."""

from typing import Any

from django.conf import settings

from backoffice.dashboard import Panel
from backoffice.formatting import linked, number, won
from products.models import Product
from rankings.selectors import Entry, best_sellers


def _best_sellers() -> dict[str, Any]:
    ranking = best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    return {
        "rows": [_ranked(entry) for entry in ranking.entries],
        "hours": settings.RANKING_DAYS * 24,
    }


def _ranked(entry: Entry) -> dict[str, Any]:
    sales = entry.best_seller.sales
    return {
        "rank": entry.best_seller.rank,
        "product": linked(Product(pk=entry.product.product_id, name=entry.product.name)),
        "units": number(sales.units),
        "amount": won(sales.amount),
        "stock": number(entry.product.stock),
    }


PANELS = [
    Panel("best_sellers", 20, "products.view_product", "rankings/dashboard/best_sellers.html", _best_sellers)
]
