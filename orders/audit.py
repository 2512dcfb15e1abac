"""I2 and I4: what was sold adds up, and each paid order was paid for, once, and reported, once."""

import json
from collections.abc import Iterator
from pathlib import Path

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from api.audit import Rule
from coupons.models import IssuedCoupon
from orders.models import Order, OrderEvent, OrderItem
from points.models import PointTransaction
from products.models import Product


def _miscounted_products() -> Iterator[str]:
    """Products whose units sold are not what their order lines add up to."""
    sold = OrderItem.objects.filter(product_id=OuterRef("pk")).order_by().values("product_id")
    products = Product.objects.annotate(
        lines=Coalesce(Subquery(sold.annotate(sum=Sum("quantity")).values("sum")), 0)
    )
    wrong = products.exclude(units_sold=F("lines"), stock__gte=0)
    for product in wrong.order_by("pk").iterator():
        yield (
            f"product {product.pk}: units sold {product.units_sold}, order lines {product.lines}, "  # type: ignore[attr-defined]
            f"stock {product.stock}"
        )


def _orders_that_do_not_add_up() -> Iterator[str]:
    """Orders whose lines are not their subtotal."""
    amounts = OrderItem.objects.filter(order_id=OuterRef("pk")).order_by().values("order_id")
    lines = Subquery(amounts.annotate(sum=Sum(F("quantity") * F("unit_price"))).values("sum"))
    wrong = Order.objects.annotate(lines_sum=lines).exclude(lines_sum=F("subtotal"))
    yield from _named(wrong | Order.objects.annotate(lines_sum=lines).filter(lines_sum=None), "lines")


def _orders_paid_wrongly() -> Iterator[str]:
    """Orders without exactly one payment of their total; none is due for a total of 0."""
    payment = PointTransaction.objects.filter(order_id=OuterRef("pk")).values("amount")
    orders = Order.objects.annotate(paid=-Coalesce(Subquery(payment), 0))
    yield from _named(orders.exclude(paid=F("total")), "payment")
    strangers = PointTransaction.objects.filter(order__isnull=False).exclude(order__user_id=F("user_id"))
    for payment_id in strangers.order_by("pk").values_list("pk", flat=True).iterator():
        yield f"payment {payment_id}: not by the order's user"


def _orders_without_event() -> Iterator[str]:
    """Orders that nobody will report."""
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


def delivery_rule(file: Path) -> Rule:
    """I5: what the platform has is what the outbox says was delivered; `file` has one JSON event a line."""

    def breaches() -> Iterator[str]:
        with file.open() as lines:
            taken = {json.loads(line)["id"] for line in lines}
        written = {str(pk): state for pk, state in OrderEvent.objects.values_list("pk", "state").iterator()}
        yield from (f"event {pk}: taken but never written" for pk in sorted(taken - written.keys()))
        said = {pk for pk, state in written.items() if state == OrderEvent.State.DELIVERED}
        yield from (f"event {pk}: delivered but not taken" for pk in sorted(said - taken))

    return Rule("I5", "the platform has what was delivered", OrderEvent.objects.count, breaches)
