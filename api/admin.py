"""Admin pages shared by the apps."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class HistoryAdmin(admin.ModelAdmin):
    """Rows that are history: they can be read, and nothing else."""

    show_full_result_count = False
    ordering = ("-pk",)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Nobody adds history by hand."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody rewrites it."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Nobody deletes it."""
        return False


class SeedingAdmin(admin.ModelAdmin):
    """Rows that operators put in; a save writes what was changed, the rest belongs to running orders."""

    show_full_result_count = False
    ordering = ("-pk",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Insert, or update what was changed in this form."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in obj._meta.concrete_fields}  # noqa: SLF001 - documented API
        if changed := columns.intersection(form.changed_data):
            obj.save(update_fields=changed)
