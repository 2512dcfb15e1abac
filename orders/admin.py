"""Orders and their events in the admin."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
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
from backoffice.spreadsheets.export_admin import ExportAdmin
from core.db.transactions import atomic_with_retries
from orders.exports import EVENTS, ORDER_LINES, ORDERS
from orders.models import Order, OrderEvent, OrderItem
from orders.outbox.events import body_of
from orders.selectors import dead_by_error
from points.models import PointTransaction

STATE_COLOURS = {"pending": "info", "delivered": "success", "dead": "danger"}
SENT_AGAIN = gettext_noop("Sent again.")
# As many as the web's statement timeout allows for; more is for `manage.py redeliver_events`.
MAX_AT_ONCE = 10_000
# Errors that a page shows; the next ones follow once these are sent again.
MAX_GROUPS = 20


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


class EventPage(ReadOnlyAdmin):
    """A page that shows the event's body, and can send it again."""

    change_form_outer_before_template = "orders/admin/event.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        event = obj if isinstance(obj, OrderEvent) else getattr(obj, "event", None)
        if event:
            body = body_of(event=event).decode()
            readable = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
            context.update(event=event, body=body, readable=readable)
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response


@admin.register(Order)
class OrderAdmin(EventPage, ExportAdmin):
    """A paid order on one page: its lines, its payment, and its event's state."""

    exports = (ORDERS, ORDER_LINES)

    list_display = ("id", "member", "to_pay", "won_off", "delivery", "ordered_at")
    list_select_related = ("user", "event")
    sortable_by = ("id", "ordered_at")
    list_filter = (("event__state", ChoicesRadioFilter), ("ordered_at", DayRangeFilter))
    linked_lookups = ("user__id__exact",)
    find_by = ("#id",)
    search_fields = ("=id", "=user")
    search_help_text = _("Order id or member id")
    inlines = (OrderItemInline,)
    field_permissions = {
        "ledger_entry": "points.view_pointtransaction",
        "won_left": "points.view_pointaccount",
    }
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
        # An order with a total of 0 has none.
        entry = PointTransaction.objects.filter(order=order).first()
        return link(page_url(entry), won(entry.amount)) if entry else NOTHING

    @admin.display(description=_("Event"))
    def event_link(self, order: Order) -> str:
        return link(page_url(order.event), str(order.event.pk))


@admin.register(OrderEvent)
class OrderEventAdmin(EventPage, ExportAdmin):
    """The outbox; events can be sent again."""

    exports = (EVENTS,)

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
    find_by = ("=id", "=request_id")
    search_fields = ("=id", "=order", "=request_id")
    search_help_text = _("Order id, request id or the whole event id")
    ordering = ("-order_id",)
    actions = ("redeliver",)
    fields = (
        "event_id",
        "linked_order",
        "delivery",
        "attempts",
        "last_error",
        "next_attempt",
        "leased_until",
        "delivered_at",
        "request_id",
    )

    event_id = column("pk", _("Event ID"), shown=str, is_stored=False)
    linked_order = link_column("order", _("Order"))
    next_attempt = timestamp_column("due_at", _("Next attempt"), is_stored=False)

    @admin.display(description=_("Event"))
    def event(self, event: OrderEvent) -> str:
        return str(event)

    @admin.display(description=_("State"))
    def delivery(self, event: OrderEvent) -> str:
        return badge(event.state, event.get_state_display(), STATE_COLOURS)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.redeliver_orderevent")

    def has_dead(self) -> bool:
        # For the list's template.
        return OrderEvent.objects.filter(state=OrderEvent.State.DEAD).exists()

    @admin.action(description=_("Send the selected events again"), permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, events: QuerySet[OrderEvent]) -> HttpResponse | None:
        ids = _ids(events)
        if request.POST.get("select_across") == "1" and "confirmed" not in request.POST:
            sent = {
                name: request.POST.get(name) for name in ("action", "select_across", ACTION_CHECKBOX_NAME)
            }
            return self._confirmation(request, total=len(ids), fields=sent)
        self._send(request, ids)
        return None

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "orders_orderevent_redeliver"
        dead = path("redeliver-dead/", view(self.redeliver_dead), name=f"{name}_dead")
        one = path("<uuid:event_id>/redeliver/", view(self.redeliver_one), name=name)
        return [dead, one, *super().get_urls()]

    def redeliver_one(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        if request.method != "POST" or not self.has_redeliver_permission(request):
            raise PermissionDenied
        event = get_object_or_404(OrderEvent.objects.select_related("order"), pk=event_id)
        self._send(request, [event.pk])
        return HttpResponseRedirect(page_url(event.order if request.GET.get("back") == "order" else event))

    def redeliver_dead(self, request: HttpRequest) -> HttpResponse:
        if not (self.has_view_permission(request) and self.has_redeliver_permission(request)):
            raise PermissionDenied
        found = self.get_changelist_instance(request).get_queryset(request)
        if request.method != "POST":
            groups = dead_by_error(found, max_count=MAX_AT_ONCE + 1)
            total = sum(group.count for group in groups)
            return self._confirmation(request, total=total, groups=groups[:MAX_GROUPS])
        dead = found.filter(state=OrderEvent.State.DEAD)
        if (error := request.POST.get("error")) is not None:
            dead = dead.none() if "\0" in error else dead.filter(last_error=error)
        self._send(request, _ids(dead))
        return HttpResponseRedirect(f"{list_url('orders_orderevent')}?{request.GET.urlencode()}")

    def _confirmation(self, request: HttpRequest, **context: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Send again"),
            "too_many": context["total"] > MAX_AT_ONCE,
            "most": MAX_AT_ONCE,
            **context,
        }
        return TemplateResponse(request, "orders/admin/redeliver.html", context)

    def _send(self, request: HttpRequest, ids: Sequence[UUID]) -> None:
        if len(ids) > MAX_AT_ONCE:
            text = gettext("More than %(most)s events: narrow the list, or use manage.py redeliver_events.")
            self.message_user(request, text % {"most": f"{MAX_AT_ONCE:,}"}, messages.ERROR)
            return
        count = _send_again(staff_id=int(str(request.user.pk)), ids=ids)
        text = ngettext("%(count)s event will be sent again.", "%(count)s events will be sent again.", count)
        self.message_user(request, text % {"count": f"{count:,}"}, messages.SUCCESS)


def _ids(events: QuerySet[OrderEvent]) -> list[UUID]:
    # One more than are sent at once, which tells that there are more.
    return list(events.order_by().values_list("pk", flat=True)[: MAX_AT_ONCE + 1])


@atomic_with_retries
def _send_again(*, staff_id: int, ids: Sequence[UUID]) -> int:
    chosen = OrderEvent.objects.filter(pk__in=ids)
    due = {"state": OrderEvent.State.PENDING, "attempts": 0}
    rows = [
        (event, [action_log.log_detail(SENT_AGAIN), action_log.changes(event, vars(event), due)])
        for event in chosen.locked()
    ]
    action_log.log_rows(staff_id=staff_id, rows=rows)
    return chosen.redeliver()
