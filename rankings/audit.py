"""The ranking is a recount of the order lines, and the stored hours are one of the orders."""

from collections.abc import Iterator
from itertools import zip_longest

from django.conf import settings
from django.db.models import F

from core.db.audit import Rule
from orders.models import OrderItem
from orders.selectors import Sales, SalesTotal
from rankings import hours, selectors
from rankings.models import HourlySales, ProductSales, SalesWindow


def sums_that_differ() -> Iterator[str]:
    window = SalesWindow.objects.filter(to_at__gt=F("from_at")).first()
    if window is None:
        return
    recount = selectors.recount(after=window.from_at, until=window.to_at)
    stored = selectors.as_sums(ProductSales.objects.all())
    for product_id in sorted(recount.keys() | stored.keys()):
        if stored.get(product_id) != recount.get(product_id):
            yield f"product {product_id}: stored {stored.get(product_id)}, recount {recount.get(product_id)}"


def wrong_ranks() -> Iterator[str]:
    actual = selectors.best_sellers(days=settings.RANKING_DAYS, size=settings.RANKING_SIZE)
    sales = selectors.recount(after=actual.from_at, until=actual.to_at)
    sold = sorted(sales.items(), key=lambda total: (-total[1].units, total[0]))[: settings.RANKING_SIZE]
    shown = [(best.product_id, Sales(best.units, best.amount)) for best in actual.best_sellers]
    for rank, (product, expected) in enumerate(zip_longest(shown, sold), start=1):
        if product != expected:
            yield f"rank {rank}: actual {product}, recount {expected}"


def hours_that_differ() -> Iterator[str]:
    # A day at a time.
    stored_rows = [*hours.stored()]
    for at in range(0, len(stored_rows), hours.HOURS_A_STATEMENT):
        rows = stored_rows[at : at + hours.HOURS_A_STATEMENT]
        recount = hours.recounted([row.starts_at for row in rows])
        for row in rows:
            stored, counted = SalesTotal(row.orders, int(row.paid)), recount[row.starts_at]
            if stored != counted:
                yield f"hour {row.starts_at:%F %H:%M} UTC: stored {stored}, recount {counted}"


RULES = [
    Rule("stored_sales_equal_lines", ProductSales.objects.count, sums_that_differ),
    Rule("stored_hours_equal_orders", HourlySales.objects.count, hours_that_differ),
    Rule("ranking_equals_lines", OrderItem.objects.count, wrong_ranks),
]
