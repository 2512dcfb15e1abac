"""Base classes of the admin's pages: search, lists that stay fast, read-only history."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList

from backoffice.change_log import LoggedAdmin
from backoffice.filters import check_choices, is_of_past_days


class BoundedPaginator(Paginator):
    """Counts to MAX_COUNT at most: counting a million rows takes longer than showing their first page."""

    MAX_COUNT = 10_000
    template_name = "backoffice/pagination.html"

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MAX_COUNT)

    @property
    def is_bounded(self) -> bool:
        return self._counted > self.MAX_COUNT

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.MAX_COUNT + 1].count())


class NotOffered(Exception):
    """The query string has a filter, an order or a value that the list does not offer."""


class BoundedChangeList(ChangeList):
    """A list that accepts only the parameters it offers, and links to "show all" only if rows are hidden."""

    def __init__(self, request: HttpRequest, model: type[Model], *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(request, model, *args, **kwargs)
        except (IncorrectLookupParameters, SuspiciousOperation) as error:
            opts = model._meta  # noqa: SLF001 - documented API
            list_url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            # The site shows the whole list instead.
            raise NotOffered(list_url) from error

    def get_filters_params(self, params: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
        given: dict[str, list[str]] = super().get_filters_params(params)
        # No text of PostgreSQL holds a NUL.
        if any("\0" in value for values in given.values() for value in values):
            raise IncorrectLookupParameters(*given)
        # A form also sends the filters that are empty.
        return {name: values for name, values in given.items() if any(values)}

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        specs, _has_filters, unclaimed, *_ = found
        if unclaimed.keys() - set(self.model_admin.linked_lookups):
            raise IncorrectLookupParameters(*unclaimed)
        for spec in specs:
            check_choices(spec)
        return found

    def get_ordering_field(self, field_name: Any) -> Any:
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[str]:
        ordering: list[str] = super().get_ordering(request, queryset)
        sign = "-" if ordering[0].startswith("-") else ""
        # By day first where only past days are shown: by id alone every later row is read.
        past = [spec.field_path for spec in self.filter_specs if is_of_past_days(spec)]
        return [*(f"{sign}{field}" for field in past), *ordering]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class BaseAdmin(LoggedAdmin):
    """A page of the admin whose lists take as long with a million rows as with a hundred.

    `search_fields`: `^name` matches the beginning, `=id` the exact value, a bare name any part; the last one
    reads every row and is for short tables only.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_filter_submit = True
    ordering = ("-pk",)
    # Lookups that links from other pages use, in addition to the list's own filters.
    linked_lookups: tuple[str, ...] = ()
    # Fields of the global search box, written as in search_fields and indexed; `#id` also matches words that
    # begin with #.
    find_by: tuple[str, ...] = ()
    # Permissions for fields of lists and pages that this page's own permission does not show.
    field_permissions: Mapping[str, str] = MappingProxyType({})

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._permitted(request, super().get_list_display(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            (title, {**options, "fields": self._permitted(request, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        # Django's own search casts ids to text and reads every row.
        words = search_term.strip()
        return self.matching(queryset, self.search_fields, words) if words else queryset, False

    def matching(self, queryset: QuerySet, fields: Iterable[str], words: str) -> QuerySet:
        """The rows of which any of `fields`, written as in `search_fields`, matches the words as one text."""
        if "\0" in words:  # PostgreSQL's text cannot hold it
            return queryset.none()
        tests = [test for field in fields if (test := self._test(field, words))]
        return queryset.filter(reduce(or_, tests, Q(pk__in=())))

    def get_changelist(self, _request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        # Django filters by whatever was sent, and fails on what is no id.
        if not all(self._can_be_id(each) for each in chosen):
            self.message_user(request, _("The list has no such rows. Nothing was changed."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def get_changeform_initial_data(self, _request: HttpRequest) -> dict[str, Any]:
        # No link fills in a form, and some widgets fail on invalid values.
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = bool(super().has_delete_permission(request, obj))
        # What other rows refer to is history, which cannot be deleted.
        return allowed and (obj is None or not _is_referred_to(obj))

    def _permitted(self, request: HttpRequest, fields: Iterable[Any]) -> list[Any]:
        needed = self.field_permissions.items()
        hidden = {name for name, permission in needed if not request.user.has_perm(permission)}
        # A tuple is a line of fields.
        lines = [
            each if isinstance(each, str) else tuple(name for name in each if name not in hidden)
            for each in fields
        ]
        return [line for line in lines if line and line not in hidden]

    def _can_be_id(self, text: str) -> bool:
        try:
            self.opts.pk.clean(text, None)
        except ValidationError:
            return False
        return True

    def _test(self, field: str, words: str) -> Q | None:
        if field.startswith("^"):
            return Q((f"{field[1:]}__startswith", words))
        if not field.startswith(("=", "#")):
            return Q((f"{field}__icontains", words))
        # A number as people write it: 1,234 or #1234.
        number = words.lstrip("#").replace(",", "")
        try:
            return Q((field[1:], get_fields_from_path(self.model, field[1:])[-1].to_python(number)))
        except ValidationError:
            return None


class ReadOnly:
    """Read-only rows: history."""

    def has_add_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class ReadOnlyAdmin(ReadOnly, BaseAdmin):
    """Read-only pages of history, sorted only by an index."""

    sortable_by: tuple[str, ...] = ("id",)


class HiddenIds(forms.HiddenInput):
    """Ids in one input, as Django's one for each id cannot tell no ids from a page that sends none."""

    def format_value(self, value: Any) -> str:
        return ",".join(str(each) for each in value or ())

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        text = super().value_from_datadict(data, files, name) or ""
        return [each for each in text.split(",") if each]


class StaleWriteForm(forms.ModelForm):
    """Sends the initial values back, so that a concurrent change of the same field is noticed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            sent = self.add_initial_prefix(name)
            # Without this, a box unticked on a page that sent no initial values would count as unchanged.
            if self.is_bound and field.hidden_widget().value_omitted_from_data(self.data, self.files, sent):
                field.show_hidden_initial = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance.pk is None:
            return cleaned
        for name in self.changed_data:
            field = self.fields[name]
            now = self.get_initial_for_field(field, name)
            if field.show_hidden_initial and field.has_changed(now, self._seen(name)):
                self.add_error(name, _("Somebody else changed this meanwhile. Reload the page to see it."))
        # What the page did not change stays as the row has it now: Django would check the old values, and
        # write those of many-to-many fields.
        opts = self.instance._meta  # noqa: SLF001 - documented API
        unchanged = {field.name for field in (*opts.fields, *opts.many_to_many)} - {*self.changed_data}
        return {name: value for name, value in cleaned.items() if name not in unchanged}

    def _seen(self, name: str) -> Any:
        hidden = self.fields[name].hidden_widget()
        return hidden.value_from_datadict(self.data, self.files, self.add_initial_prefix(name))


class EditableAdmin(BaseAdmin):
    """Rows that staff edit; a save writes only the changed fields, as orders may change the others."""

    form = StaleWriteForm
    warn_unsaved_form = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field:
            field.show_hidden_initial = True
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in obj._meta.concrete_fields}  # noqa: SLF001 - documented API
        if changed := columns.intersection(form.changed_data):
            obj.save(update_fields=changed)


def _is_referred_to(row: Model) -> bool:
    return any(
        related.related_model._base_manager.filter(**{related.field.name: row}).exists()  # noqa: SLF001
        for related in row._meta.related_objects  # noqa: SLF001 - documented API
    )
