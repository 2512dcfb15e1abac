"""Admin pages that log old and new values of each save, and show a row's history."""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from backoffice import action_log


class LoggedAdmin(ModelAdmin):
    """Rows whose changes are logged field by field."""

    object_history_template = "backoffice/history.html"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        is_saved = request.method == "POST" and transaction.get_connection().in_atomic_block
        if row is None or not is_saved or not self.has_change_permission(request, row):
            return row
        # A row to be saved is locked, so that the log has the values that the save replaces.
        rows = self.model._base_manager  # noqa: SLF001 - documented API
        try:
            row.refresh_from_db(from_queryset=rows.select_for_update(of=("self",), no_key=True))
        except self.model.DoesNotExist:
            return None
        return row

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: Any = False,  # noqa: FBT002 - Django's signature
    ) -> list[dict[str, Any]]:
        if add:
            message: list[dict[str, Any]] = super().construct_change_message(request, form, formsets, add)
            given = action_log.initial_values(form.instance, form.cleaned_data)
            return [*message, given] if given[action_log.CHANGES]["fields"] else message
        before = getattr(form, "initial", {})
        after = {name: form.cleaned_data.get(name) for name in form.changed_data}
        part = action_log.changes(getattr(form, "instance", None) or self.model, before, after)
        return [part] if part[action_log.CHANGES]["fields"] else []

    def log_addition(self, request: HttpRequest, obj: Any, message: list[action_log.Part]) -> Any:
        return super().log_addition(request, obj, action_log.as_message(message))

    def log_change(self, request: HttpRequest, obj: Any, message: list[action_log.Part]) -> Any:
        return super().log_change(request, obj, action_log.as_message(message))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None) or {}
        if page := context.get("action_list"):
            # Django lists the oldest entries first.
            newest = self.get_paginator(
                request, page.paginator.object_list.reverse(), page.paginator.per_page
            )
            if request.user.has_perm("admin.view_logentry"):
                kind = ContentType.objects.get_for_model(self.model)
                context["log_url"] = action_log.url_of(kind_id=kind.pk, row_id=object_id)
            context["entries"] = [
                (entry, action_log.describe(entry)) for entry in newest.get_page(page.number)
            ]
        return response
