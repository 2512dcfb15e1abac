"""Orders and their events in the admin."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesRadioFilter

from backoffice import action_log
from backoffice.base import ReadOnly, ReadOnlyAdmin
from backoffice.filters import DayRangeFilter
from backoffice.formatting import (
    NOTHING,
    badge,
    column,
    link,
    link_column,
    list_url,
    number_column,
    page_url,
    timestamp_column,
    won,
    won_column,
)
from core.db.transactions import atomic_with_retries
from orders.models import Order, OrderEvent, OrderItem
from points.models import PointTransaction

STATE_COLOURS = {"pending": "info", "delivered": "success", "dead": "danger"}
SENT_AGAIN = gettext_noop("Sent again.")
# As many as the web's statement timeout allows for; more is for `manage.py redeliver_events`.
MAX_AT_ONCE = 10_000


class OrderItemInline(ReadOnly, TabularInline):
    """The lines of an order."""

    model = OrderItem
    fields = readonly_fields = ("product", "product_name", "price", "count", "cost")
    hide_title = True
    ordering = ("pk",)

    price = won_column("unit_price", _("Unit price"))
    count = number_column("quantity", _("Quantity"))
    cost = won_column("amount", _("Amount"))

    def has_view_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return request.user.has_perm("orders.view_order")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """A paid order on one page: its lines, the payment, and what became of its event."""

    list_display = ("id", "member", "to_pay", "won_off", "delivery", "ordered_at")
    list_select_related = ("user", "event")
    sortable_by = ("id", "ordered_at")
    list_filter = (("event__state", ChoicesRadioFilter), ("ordered_at", DayRangeFilter))
    linked_lookups = ("user__id__exact",)
    search_fields = ("=id", "=user")
    search_help_text = _("Order id or member id")
    inlines = (OrderItemInline,)
    fieldsets = (
        (None, {"fields": (("member", "ordered_at"),)}),
        (
            _("Payment"),
            {
                "fields": (
                    ("won_before", "won_off", "to_pay"),
                    ("status", "coupon"),
                    ("ledger_entry", "won_left"),
                )
            },
        ),
        (
            _("Delivery to the data platform"),
            {
                "fields": (
                    ("delivery", "attempts"),
                    ("delivered_at", "next_attempt"),
                    "last_error",
                    "event_link",
                )
            },
        ),
    )

    member = link_column("user", _("Member"))
    coupon = link_column("issued_coupon", _("Coupon used"))
    to_pay = won_column("total", _("Total"))
    won_before = won_column("subtotal", _("Subtotal"))
    won_off = won_column("discount", _("Discount"))
    won_left = won_column("balance_after", _("Balance after payment"))
    attempts = number_column("event__attempts", _("Attempts"))
    last_error = column("event__last_error", _("Last error"), shown=str)
    next_attempt = timestamp_column("event__due_at", _("Next attempt"), is_stored=False)
    delivered_at = timestamp_column("event__delivered_at", _("Delivered at"))

    @admin.display(description=_("Delivery"))
    def delivery(self, order: Order) -> str:
        return badge(order.event.state, order.event.get_state_display(), STATE_COLOURS)

    @admin.display(description=_("Ledger entry"))
    def ledger_entry(self, order: Order) -> str:
        """What was paid, as the ledger has it; an order of nothing has none."""
        entry = PointTransaction.objects.filter(order=order).first()
        return link(page_url(entry), won(entry.amount)) if entry else NOTHING

    @admin.display(description=_("Event"))
    def event_link(self, order: Order) -> str:
        """The way to the event, which can be sent again there."""
        return link(page_url(order.event), str(order.event.pk))


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    """The outbox; what was sent can be sent again."""

    list_display = (
        "linked_order",
        "delivery",
        "attempts",
        "last_error",
        "next_attempt",
        "delivered_at",
        "event",
    )
    list_display_links = ("event",)
    list_select_related = ("order",)
    sortable_by = ("linked_order",)
    list_filter = (("state", ChoicesRadioFilter), ("order__ordered_at", DayRangeFilter))
    list_before_template = "orders/admin/redeliver_dead.html"
    search_fields = ("=id", "=order")
    search_help_text = _("Order id or the whole event id")
    ordering = ("-order_id",)
    actions = ("redeliver",)
    fields = (
        "id",
        "linked_order",
        "delivery",
        "attempts",
        "last_error",
        "next_attempt",
        "leased_until",
        "delivered_at",
        "request_id",
    )

    # Enough of its id to recognise it.
    event = column("pk", _("Event"), shown=lambda pk: str(pk)[:8], is_stored=False)
    linked_order = link_column("order", _("Order"))
    next_attempt = timestamp_column("due_at", _("Next attempt"), is_stored=False)

    @admin.display(description=_("State"))
    def delivery(self, event: OrderEvent) -> str:
        return badge(event.state, event.get_state_display(), STATE_COLOURS)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        """Whether this staff account may send events again."""
        return request.user.has_perm("orders.redeliver_orderevent")

    @admin.action(description=_("Send the selected events again"), permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, events: QuerySet[OrderEvent]) -> None:
        """Make the selected events, or all that the filter finds, due now."""
        ids = list(events.order_by().values_list("pk", flat=True)[: MAX_AT_ONCE + 1])
        if len(ids) > MAX_AT_ONCE:
            text = gettext("More than %(most)s events: narrow the list, or use manage.py redeliver_events.")
            self.message_user(request, text % {"most": f"{MAX_AT_ONCE:,}"}, messages.ERROR)
            return
        count = _send_again(staff_id=int(str(request.user.pk)), ids=ids)
        text = ngettext("%(count)s event will be sent again.", "%(count)s events will be sent again.", count)
        self.message_user(request, text % {"count": f"{count:,}"}, messages.SUCCESS)

    def get_urls(self) -> list[URLPattern]:
        """One address more: sending again every dead event of the list as it is filtered."""
        view = self.admin_site.admin_view(self.redeliver_dead)
        return [path("redeliver-dead/", view, name="orders_orderevent_redeliver_dead"), *super().get_urls()]

    def redeliver_dead(self, request: HttpRequest) -> HttpResponse:
        """Send the dead events again that the list's search and filters, in the query string, find."""
        if request.method != "POST" or not self.has_redeliver_permission(request):
            raise PermissionDenied
        found = self.get_changelist_instance(request).get_queryset(request)
        self.redeliver(request, found.filter(state=OrderEvent.State.DEAD))
        back = list_url("orders_orderevent")
        return HttpResponseRedirect(f"{back}?{request.GET.urlencode()}")


@atomic_with_retries
def _send_again(*, staff_id: int, ids: Sequence[UUID]) -> int:
    """Make the events due and leave an entry in the log of each; how many there were."""
    chosen = OrderEvent.objects.filter(pk__in=ids)
    LogEntry.objects.log_actions(staff_id, list(chosen), CHANGE, [action_log.log_detail(SENT_AGAIN)])
    return chosen.redeliver()
