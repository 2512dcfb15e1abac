"""Orders, their lines and their events as files."""

from typing import Any

from django.db.models import BigIntegerField, Case, DateTimeField, F, QuerySet, When
from django.utils.translation import gettext_lazy as _

from backoffice.spreadsheets.exports import Export, columns_of
from orders.models import Order, OrderEvent, OrderItem


def _lines(orders: QuerySet[Order]) -> QuerySet[OrderItem, Any]:
    found = OrderItem.objects.filter(order__in=orders.order_by().values("pk"))
    return found.annotate(line_amount=F("unit_price") * F("quantity"))


def _with_next_attempt(events: QuerySet[OrderEvent]) -> QuerySet[OrderEvent, Any]:
    # As `OrderEvent.due_at`.
    return events.annotate(due=Case(When(state=OrderEvent.State.PENDING, then="next_attempt_at")))


ORDERS = Export(
    Order,
    columns_of(
        Order,
        {
            "id": _("Order id"),
            "ordered_at": "",
            "user_id": _("Member id"),
            "user__name": _("Member"),
            "subtotal": "",
            "discount": "",
            "total": "",
            "issued_coupon_id": _("Issued coupon id"),
            "issued_coupon__name": _("Coupon used"),
            "balance_after": "",
            "event__state": _("Delivery"),
            "event__delivered_at": "",
        },
    ),
    title=_("One row for each order"),
    permissions={"balance_after": "points.view_pointaccount"},
)
ORDER_LINES = Export(
    OrderItem,
    columns_of(
        OrderItem,
        {
            "order_id": _("Order id"),
            "order__ordered_at": "",
            "order__user_id": _("Member id"),
            "order__user__name": _("Member"),
            "product_id": _("Product id"),
            "product_name": "",
            "unit_price": "",
            "quantity": "",
            "line_amount": BigIntegerField(_("Amount")),
        },
    ),
    title=_("One row for each line of an order"),
    rows=_lines,
    ordering=("order_id", "pk"),
)
EVENTS = Export(
    OrderEvent,
    columns_of(
        OrderEvent,
        {
            "id": _("Event ID"),
            "order_id": _("Order id"),
            "order__ordered_at": "",
            "state": "",
            "attempts": "",
            "due": DateTimeField(_("Next attempt")),
            "delivered_at": "",
            "last_error": "",
            "request_id": "",
        },
    ),
    rows=_with_next_attempt,
    ordering=("order_id",),
)
