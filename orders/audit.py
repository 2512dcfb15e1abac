"""Rules of the audit: sales add up, and each paid order has one payment and one event."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.db.models import F, Q, QuerySet, Sum

from core.db.audit import Rule
from coupons.models import IssuedCoupon
from orders.models import Order, OrderEvent
from orders.platform_file import events_in
from points.models import PointTransaction
from products.models import Product

# No order has such a subtotal, not even of free products: one without lines is always found.
NO_LINES = -1


def _miscounted_products() -> Iterator[str]:
    products = Product.objects.annotate(lines=Sum("orderitem__quantity", default=0))
    wrong = products.exclude(units_sold=F("lines"), stock__gte=0)
    # No iterator(): for its cursor PostgreSQL plans to be quick with the first rows, and slow in all.
    for product in wrong.order_by("pk"):
        yield (
            f"product {product.pk}: units sold {product.units_sold}, order lines {product.lines}, "  # type: ignore[attr-defined]
            f"stock {product.stock}"
        )


def _orders_that_do_not_add_up() -> Iterator[str]:
    amount = F("items__quantity") * F("items__unit_price")
    orders = Order.objects.annotate(lines_sum=Sum(amount, default=NO_LINES))
    yield from _named(orders.exclude(lines_sum=F("subtotal")), "lines")


def _orders_paid_wrongly() -> Iterator[str]:
    # No payment is due for a total of 0.
    orders = Order.objects.annotate(paid=-Sum("pointtransaction__amount", default=0))
    yield from _named(orders.exclude(paid=F("total")), "payment")
    strangers = PointTransaction.objects.filter(order__isnull=False).exclude(order__user_id=F("user_id"))
    for payment_id in strangers.order_by("pk").values_list("pk", flat=True).iterator():
        yield f"payment {payment_id}: not by the order's user"


def _coupons_used_wrongly() -> Iterator[str]:
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
    Rule("units_sold_equal_lines", Product.objects.count, _miscounted_products),
    Rule("used_coupon_has_one_order", IssuedCoupon.objects.count, _coupons_used_wrongly),
    Rule("subtotal_equals_lines", Order.objects.count, _orders_that_do_not_add_up),
    Rule("payment_equals_total", Order.objects.count, _orders_paid_wrongly),
    Rule("order_has_event", Order.objects.count, lambda: _named(Order.objects.filter(event=None), "event")),
]


def rules_of_file(file: Path, forgotten: Path | None = None) -> list[Rule]:
    """The rule that the platform's file, one JSON event a line, matches the delivered events.

    The events of `forgotten`, a file of the same form, are excepted. Checking it raises Unsafe where one of
    them cannot be read as such.
    """
    differing = partial(_deliveries_that_differ, file, forgotten)
    return [Rule("delivered_equals_received", OrderEvent.objects.count, differing)]


def _deliveries_that_differ(file: Path, forgotten: Path | None) -> Iterator[str]:
    received = _ids_in(file) - (_ids_in(forgotten) if forgotten else set())
    for pk, state in OrderEvent.objects.order_by("pk").values_list("pk", "state").iterator():
        event_id = str(pk)
        if event_id in received:
            received.remove(event_id)
        elif state == OrderEvent.State.DELIVERED:
            yield f"event {event_id}: delivered but not received"
    yield from (f"event {event_id}: received but never written" for event_id in sorted(received))


def _ids_in(file: Path) -> set[str]:
    return {event.id for event in events_in(file)}
