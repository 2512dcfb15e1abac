"""Closing campaigns now, from the list or a campaign's page, after a confirmation."""

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from backoffice import action_log
from backoffice.formatting import list_url
from backoffice.spreadsheets.admin import SpreadsheetAdmin
from core.db.transactions import atomic_with_retries
from coupons import services
from coupons.models import Coupon
from coupons.services import Closed

CLOSED_NOW = gettext_noop("Closed now.")
# Twice the rows of a page of the list.
MAX_AT_ONCE = 100


class ClosingAdmin(SpreadsheetAdmin):
    """Campaigns that can be closed now."""

    actions = ("close_selected",)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.close_view)
        return [path("close/", view, name="coupons_coupon_close_now"), *super().get_urls()]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        # A campaign that has ended or not begun cannot be closed.
        found: list[Any] = super().get_actions_detail(request, object_id)
        if self._can_be_id(object_id) and Coupon.objects.in_period().filter(pk=object_id).exists():
            return found
        return [each for each in found if each.action_name != "coupons_coupon_close"]

    @action(  # type: ignore[untyped-decorator]  # Unfold has no types
        description=_("Close now"), permissions=["change"], icon="event_busy"
    )
    def close(self, _request: HttpRequest, object_id: str) -> HttpResponse:
        return _confirmation_of([object_id])

    @admin.action(description=_("Close the selected coupons now"), permissions=["change"])
    def close_selected(self, request: HttpRequest, coupons: "QuerySet[Coupon]") -> HttpResponse | None:
        ids = list(coupons.order_by("pk").values_list("pk", flat=True)[: MAX_AT_ONCE + 1])
        if len(ids) <= MAX_AT_ONCE:
            return _confirmation_of(ids)
        text = gettext("More than %(most)s coupons: narrow the list.") % {"most": MAX_AT_ONCE}
        self.message_user(request, text, messages.ERROR)
        return None

    def close_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        ids = [each for each in request.GET.getlist("id")[:MAX_AT_ONCE] if self._can_be_id(each)]
        running = Coupon.objects.in_period().filter(pk__in=ids).order_by("pk")
        if request.method != "POST" and running:
            context = {**self.admin_site.each_context(request), "opts": self.opts, "coupons": running}
            context |= {"title": _("Close now"), "back": _back_to(ids)}
            return TemplateResponse(request, "coupons/admin/close_now.html", context)
        closed = _close(staff_id=int(str(request.user.pk)), ids=ids) if request.method == "POST" else []
        self._say(request, closed=len(closed), left=len(ids) - len(closed))
        return HttpResponseRedirect(_back_to(ids))

    def _say(self, request: HttpRequest, *, closed: int, left: int) -> None:
        if closed:
            text = ngettext("%(count)s coupon was closed.", "%(count)s coupons were closed.", closed)
            self.message_user(request, text % {"count": closed}, messages.SUCCESS)
        if left or not closed:
            text = gettext("A coupon that has ended or has not begun is left as it is.")
            self.message_user(request, text, messages.WARNING)


@atomic_with_retries
def _close(*, staff_id: int, ids: Collection[str]) -> list[Closed]:
    closed = services.close_now(coupon_ids=[int(each) for each in ids])
    rows = [
        (
            each.coupon,
            [
                action_log.log_detail(CLOSED_NOW),
                action_log.changes(each.coupon, {"closes_at": each.planned}, {"closes_at": each.closed_at}),
            ],
        )
        for each in closed
    ]
    action_log.log_rows(staff_id=staff_id, rows=rows)
    return closed


def _confirmation_of(ids: Collection[Any]) -> HttpResponse:
    return HttpResponseRedirect(
        f"{reverse('admin:coupons_coupon_close_now')}?{urlencode({'id': ids}, doseq=True)}"
    )


def _back_to(ids: Sequence[str]) -> str:
    return reverse("admin:coupons_coupon_change", args=ids) if len(ids) == 1 else list_url("coupons_coupon")
