"""The ranking is a recount of the order lines."""

from collections.abc import Iterator
from itertools import zip_longest

from django.conf import settings
from django.db.models import F

from core.db.audit import Rule
from orders.models import OrderItem
from rankings import selectors
from rankings.models import ProductSales, SalesWindow
from rankings.selectors import OnProgress, no_progress


def sums_that_differ(*, progress: OnProgress = no_progress) -> Iterator[str]:
    """Stored sums that are not what the order lines of their window add up to."""
    window = SalesWindow.objects.filter(to_at__gt=F("from_at")).first()
    if window is None:
        return
    recount = selectors.recount(after=window.from_at, until=window.to_at, progress=progress)
    stored = selectors.as_sums(ProductSales.objects.all())
    for product_id in sorted(recount.keys() | stored.keys()):
        if stored.get(product_id) != recount.get(product_id):
            yield f"product {product_id}: stored {stored.get(product_id)}, recount {recount.get(product_id)}"


def wrong_ranks(*, progress: OnProgress = no_progress) -> Iterator[str]:
    """Ranks that a recount would give to another product, or with other sums."""
    actual = selectors.best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    sales = selectors.recount(after=actual.from_at, until=actual.to_at, progress=progress)
    recount = selectors.ranked(sales, size=settings.RANKING_SIZE)
    for rank, (shown, expected) in enumerate(zip_longest(actual.best_sellers, recount), start=1):
        if shown != expected:
            yield f"rank {rank}: actual {shown}, recount {expected}"


RULES = [
    Rule("stored_sales_equal_lines", ProductSales.objects.count, sums_that_differ),
    Rule("ranking_equals_lines", OrderItem.objects.count, wrong_ranks),
]
