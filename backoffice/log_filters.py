"""Filters of the log: who did it, to which kind of row, and which field it changed."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Func, JSONField, Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from backoffice.base import ReadOnly

# At most this many choices in a list; beyond it, the field searches by name.
MAX_ACCOUNTS = 200

Choices = list[tuple[str, str]]


class ChangedFields(Func):
    """The names of the changed fields of an entry; exactly this expression is indexed."""

    # jsonb refuses NUL and lone surrogates; no field name has them.
    template = (
        r"jsonb_path_query_array(CASE WHEN %(expressions)s IS JSON ARRAY"
        r" AND %(expressions)s !~* '\\u(0000|d[89a-f])' THEN %(expressions)s::jsonb END,"
        r" '$[*].changes.fields[*].field')"
    )
    output_field = JSONField()


class StaffFilter(DropdownFilter):
    """Entries of one account."""

    title = _("Staff account")
    parameter_name = "staff"

    def lookups(self, _request: HttpRequest, _model_admin: "ModelAdmin[Any]") -> Choices:
        found = User.objects.order_by("username").values_list("pk", "username")[:MAX_ACCOUNTS]
        return [(str(pk), name) for pk, name in found]

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[LogEntry]") -> "QuerySet[LogEntry]":
        return queryset.filter(user=self.value()) if self.value() else queryset


class KindFilter(DropdownFilter):
    """Entries about the rows of one table."""

    title = _("Kind")
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: "ModelAdmin[Any]") -> Choices:
        models = admin.site._registry  # noqa: SLF001 - as Django's own views read it
        return [(model._meta.label_lower, _name(model)) for model in models]  # noqa: SLF001

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[LogEntry]") -> "QuerySet[LogEntry]":
        kind = dict(self.lookup_choices).get(self.value() or "")
        return queryset.filter(content_type=_content_type(str(self.value()))) if kind else queryset


class FieldFilter(DropdownFilter):
    """Entries with the old and new value of a field."""

    title = _("Changed field")
    parameter_name = "field"

    def lookups(self, _request: HttpRequest, _model_admin: "ModelAdmin[Any]") -> Choices:
        registered = admin.site._registry.items()  # noqa: SLF001 - as Django's own views read it
        return [
            (f"{model._meta.label_lower}.{field.name}", f"{_name(model)}: {capfirst(field.verbose_name)}")  # noqa: SLF001
            for model, page in registered
            if not isinstance(page, ReadOnly)
            for field in (*model._meta.concrete_fields, *model._meta.many_to_many)  # noqa: SLF001
            if field.editable and not field.primary_key
        ]

    def queryset(self, _request: HttpRequest, queryset: "QuerySet[LogEntry]") -> "QuerySet[LogEntry]":
        if self.value() not in dict(self.lookup_choices):
            return queryset
        kind, _dot, field = str(self.value()).rpartition(".")
        entries = queryset.alias(changed_fields=ChangedFields("change_message"))
        return entries.filter(content_type=_content_type(kind), changed_fields__has_key=field)


def _content_type(label: str) -> ContentType:
    return ContentType.objects.get_by_natural_key(*label.split("."))


def _name(model: type[Model]) -> str:
    return capfirst(str(model._meta.verbose_name))  # noqa: SLF001 - documented API
