"""I2 and I4: what was sold adds up, and each paid order was paid for, once, and reported, once."""

import heapq
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile

from django.db.models import F, Q, QuerySet, Sum

from core.db.audit import Rule
from coupons.models import IssuedCoupon
from orders.models import Order, OrderEvent
from points.models import PointTransaction
from products.models import Product

# No order has such a subtotal, not even of free products: one without lines is always found.
NO_LINES = -1
TAKEN = "taken"
IDS_A_RUN = 100_000


def _miscounted_products() -> Iterator[str]:
    """Products whose units sold are not what their order lines add up to."""
    products = Product.objects.annotate(lines=Sum("orderitem__quantity", default=0))
    wrong = products.exclude(units_sold=F("lines"), stock__gte=0)
    # No iterator(): for its cursor PostgreSQL plans to be quick with the first rows, and slow in all.
    for product in wrong.order_by("pk"):
        yield (
            f"product {product.pk}: units sold {product.units_sold}, order lines {product.lines}, "  # type: ignore[attr-defined]
            f"stock {product.stock}"
        )


def _orders_that_do_not_add_up() -> Iterator[str]:
    """Orders whose lines are not their subtotal."""
    amount = F("items__quantity") * F("items__unit_price")
    orders = Order.objects.annotate(lines_sum=Sum(amount, default=NO_LINES))
    yield from _named(orders.exclude(lines_sum=F("subtotal")), "lines")


def _orders_paid_wrongly() -> Iterator[str]:
    """Orders without exactly one payment of their total; none is due for a total of 0."""
    orders = Order.objects.annotate(paid=-Sum("pointtransaction__amount", default=0))
    yield from _named(orders.exclude(paid=F("total")), "payment")
    strangers = PointTransaction.objects.filter(order__isnull=False).exclude(order__user_id=F("user_id"))
    for payment_id in strangers.order_by("pk").values_list("pk", flat=True).iterator():
        yield f"payment {payment_id}: not by the order's user"


def _orders_without_event() -> Iterator[str]:
    yield from _named(Order.objects.filter(event=None), "event")


def _coupons_used_wrongly() -> Iterator[str]:
    """Coupons marked used without an order, or used by an order and not marked, or another user's."""
    unlike = Q(order=None, used_at__isnull=False) | Q(order__isnull=False, used_at=None)
    foreign = Q(order__isnull=False) & ~Q(order__user_id=F("user_id"))
    for pk in (
        IssuedCoupon.objects.filter(unlike | foreign).order_by("pk").values_list("pk", flat=True).iterator()
    ):
        yield f"issued coupon {pk}"


def _named(orders: QuerySet[Order], what: str) -> Iterator[str]:
    for order_id in orders.order_by("pk").values_list("pk", flat=True).iterator():
        yield f"order {order_id}: {what}"


RULES = [
    Rule("I2", "units sold are the sum of the order lines", Product.objects.count, _miscounted_products),
    Rule(
        "I3", "a coupon is used by one order of its holder", IssuedCoupon.objects.count, _coupons_used_wrongly
    ),
    Rule("I4", "an order's lines are its subtotal", Order.objects.count, _orders_that_do_not_add_up),
    Rule("I4", "an order has one payment of its total", Order.objects.count, _orders_paid_wrongly),
    Rule("I4", "an order has one event", OrderEvent.objects.count, _orders_without_event),
]


def rules_of_file(file: Path) -> list[Rule]:
    """I5: what the platform has is what the outbox says was delivered; `file` has one JSON event a line."""
    return [
        Rule(
            "I5",
            "the platform has what was delivered",
            OrderEvent.objects.count,
            partial(_deliveries_that_differ, file),
        )
    ]


def _deliveries_that_differ(file: Path) -> Iterator[str]:
    """Events that the platform should have and has not, or has and should not."""
    written = OrderEvent.objects.order_by("pk").values_list("pk", "state")
    with file.open() as lines, ExitStack() as runs:
        taken = ((event_id, TAKEN) for event_id in _in_order(lines, runs))
        marked = heapq.merge(taken, ((str(pk), state) for pk, state in written.iterator()))
        for event_id, group in groupby(marked, key=itemgetter(0)):
            marks = {mark for _, mark in group}
            if marks == {TAKEN}:
                yield f"event {event_id}: taken but never written"
            elif OrderEvent.State.DELIVERED in marks and TAKEN not in marks:
                yield f"event {event_id}: delivered but not taken"


def _in_order(lines: Iterable[str], runs: ExitStack) -> Iterator[str]:
    """The events' ids, sorted through temporary files: the memory needed does not grow with their number."""
    ids = (json.loads(line)["id"] for line in lines)
    sorted_runs: list[Iterable[str]] = []
    while some := sorted(islice(ids, IDS_A_RUN)):
        run = runs.enter_context(TemporaryFile("w+"))  # noqa: SIM115 - closed with the others
        run.writelines(f"{event_id}\n" for event_id in some)
        run.seek(0)
        sorted_runs.append(run)
    return (line.removesuffix("\n") for line in heapq.merge(*sorted_runs))
