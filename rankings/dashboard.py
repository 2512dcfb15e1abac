"""The best sellers on the admin's first page."""

from typing import Any

from django.conf import settings

from backoffice.dashboard import Panel
from rankings.selectors import best_sellers


def _best_sellers() -> dict[str, Any]:
    ranking = best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    return {"rows": ranking.best_sellers, "hours": settings.RANKING_DAYS * 24}


PANELS = [
    Panel("best_sellers", 20, "products.view_product", "rankings/dashboard/best_sellers.html", _best_sellers)
]
