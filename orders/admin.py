"""Orders and their events in the admin."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from api.admin import HistoryAdmin
from orders.models import Order, OrderEvent, OrderItem


class OrderItemInline(admin.TabularInline):
    """The lines of an order."""

    model = OrderItem
    fields = readonly_fields = ("product", "product_name", "unit_price", "quantity", "won")
    can_delete = False
    extra = 0

    @admin.display(description="금액")
    def won(self, item: OrderItem) -> int:
        """What the line costs."""
        return item.amount

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody adds a line to a paid order."""
        return False


@admin.register(Order)
class OrderAdmin(HistoryAdmin):
    """Paid orders with their lines."""

    list_display = ("id", "user", "total", "discount", "status", "ordered_at", "event_state")
    list_select_related = ("user", "event")
    search_fields = ("=id", "=user__id")
    inlines = (OrderItemInline,)

    @admin.display(description="이벤트")
    def event_state(self, order: Order) -> str:
        """What became of its event."""
        return order.event.get_state_display()


@admin.register(OrderEvent)
class OrderEventAdmin(HistoryAdmin):
    """The outbox; what died can be sent again."""

    list_display = ("order", "state", "attempts", "last_error", "next_attempt", "delivered_at", "short_id")
    list_select_related = ("order",)
    list_filter = ("state",)
    search_fields = ("=id", "=order__id")
    ordering = ("-order_id",)
    actions = ("redeliver",)

    @admin.display(description="다음 시도", ordering="next_attempt_at")
    def next_attempt(self, event: OrderEvent) -> datetime | None:
        """When it is due, while it is still to be delivered."""
        return event.next_attempt_at if event.state == OrderEvent.State.PENDING else None

    @admin.display(description="ID")
    def short_id(self, event: OrderEvent) -> str:
        """Enough of its id to recognise it."""
        return str(event.pk)[:8]

    @admin.action(description="선택한 이벤트를 다시 보내기")
    def redeliver(self, request: HttpRequest, events: QuerySet[OrderEvent]) -> None:
        """Make the selected events due now."""
        count = OrderEvent.objects.filter(pk__in=events.values("pk")).redeliver()
        self.message_user(request, f"{count}개의 이벤트를 다시 보낼게요.")
