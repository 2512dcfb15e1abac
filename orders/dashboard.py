"""The orders' panels and steps on the admin's first page."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.base import BoundedPaginator
from backoffice.dashboard import Panel, Step
from backoffice.formatting import badge, number
from orders.models import Order
from orders.selectors import outbox_status, waiting_events

# A healthy platform has an event within a second; after a minute an operator should look.
LATE_SECONDS = 60


def _events() -> dict[str, Any]:
    most = BoundedPaginator.MAX_COUNT + 1
    outbox, waiting = outbox_status(max_count=most), waiting_events(max_count=most)
    late = outbox.overdue_seconds >= LATE_SECONDS
    return {
        "pending": _bounded(outbox.pending),
        "dead": _bounded(outbox.dead),
        "retrying": _retrying(waiting.retrying),
        "oldest_seconds": waiting.oldest_seconds,
        "state": _state(late=late, dead=bool(outbox.dead)),
    }


def _retrying(count: int) -> str:
    text = _("Retrying %(count)s") % {"count": _bounded(count)}
    return badge("retrying", text, {"retrying": "warning"}) if count else ""


def _bounded(count: int) -> str:
    most = BoundedPaginator.MAX_COUNT
    return number(count) if count <= most else _("more than %(count)s") % {"count": number(most)}


def _state(*, late: bool, dead: bool) -> str:
    colours = {"dead": "danger", "late": "warning", "fine": "success"}
    texts = {"dead": _("Some failed"), "late": _("Late"), "fine": _("On time")}
    state = "dead" if dead else "late" if late else "fine"
    return badge(state, texts[state], colours)


PANELS = [
    Panel("events", 30, "orders.view_orderevent", "orders/dashboard/events.html", _events),
]
STEPS = [
    Step(
        30,
        gettext_lazy("Place the first order: members charge points and order through the API."),
        Order.objects.exists,
        lambda _request: [(gettext_lazy("How to call the API"), reverse("docs"))],
    )
]
