"""Refusals in the admin: read-only, searched by request id or by member."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from backoffice.base import ReadOnlyAdmin
from backoffice.filters import DayRangeFilter
from backoffice.formatting import NOTHING, link, shortened
from backoffice.refusals.exports import REFUSALS, with_details
from backoffice.refusals.models import Refusal
from backoffice.refusals.recording import STATUSES
from backoffice.spreadsheets.export_admin import ExportAdmin
from core.problems import problem_types


class ReasonFilter(SimpleListFilter):
    """Refusals by their code, each with its title."""

    title = _("Reason")
    parameter_name = "code"

    def lookups(self, _request: HttpRequest, _admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(code, title(code)) for code, kind in problem_types().items() if kind.status in STATUSES]

    def queryset(self, _request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(Refusal)
class RefusalAdmin(ExportAdmin, ReadOnlyAdmin):
    """Why a request failed."""

    exports = (REFUSALS,)

    list_display = ("refused_at", "member", "request", "reason", "details", "times", "request_id")
    sortable_by = ()
    list_filter = (ReasonFilter, ("refused_at", DayRangeFilter))
    linked_lookups = ("user_id",)
    find_by = ("=request_id",)
    search_fields = ("=user_id", "=request_id")
    search_help_text = _("Member id or request id")
    fields = ("refused_at", "member", "request", "status", "reason", "details", "times", "request_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return with_details(super().get_queryset(request))

    @admin.display(description=_("Member"))
    def member(self, refusal: Refusal) -> str:
        if refusal.user_id is None:
            return NOTHING
        return link(reverse("admin:users_user_change", args=[refusal.user_id]), refusal.user_id)

    @admin.display(description=_("Reason"))
    def reason(self, refusal: Refusal) -> str:
        return f"{title(refusal.code)} ({refusal.code})"

    @admin.display(description=_("Details"))
    def details(self, refusal: Any) -> str:
        try:
            members = json.loads(refusal.details).items()
            told = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in members)
        except (AttributeError, RecursionError, ValueError):  # no object, too deep, too many digits
            told = refusal.details
        return shortened(told) or NOTHING


def title(code: str) -> str:
    """The title of a problem in the reader's language; empty for a code that no longer exists."""
    kind = problem_types().get(code)
    return kind.title.in_language(get_language() or "ko") if kind else ""
