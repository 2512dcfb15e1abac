"""What a member bought, on the member's page."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.base import BoundedPaginator
from backoffice.formatting import NOTHING, linked, list_url, number, timestamp, won
from backoffice.sections import ROWS, Content, Section
from orders.models import Order
from orders.selectors import spending_of
from users.models import User


def _orders(member: User) -> Content:
    most = BoundedPaginator.MAX_COUNT
    spent = spending_of(user_id=member.pk, max_orders=most)
    paid = _("Paid for the newest %(count)s orders") % {"count": number(most)}
    newest = Order.objects.filter(user=member).order_by("-ordered_at", "-pk").only("total", "ordered_at")
    return Content(
        figures=[
            (_("Orders"), number(spent.orders) + ("+" if spent.orders == most else "")),
            (paid if spent.orders == most else _("Paid in all"), won(spent.paid)),
            (_("Average order"), won(spent.paid // spent.orders) if spent.orders else NOTHING),
        ],
        columns=[_("Order"), _("Ordered at"), _("Total")],
        rows=[(linked(order), timestamp(order.ordered_at), won(order.total)) for order in newest[:ROWS]],
        all_rows=list_url("orders_order", user__id__exact=member.pk),
    )


SECTIONS = [Section("users_user", 10, "orders.view_order", gettext_lazy("Orders"), _orders)]
