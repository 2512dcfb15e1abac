"""Staff accounts, their roles, and the log of what they did."""

from functools import reduce
from operator import or_
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserCreationForm
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from backoffice import action_log, rights
from backoffice.base import BoundedChangeList, EditableAdmin, HiddenIds, ReadOnly, ReadOnlyAdmin
from backoffice.exports import LOG
from backoffice.filters import DayRangeFilter
from backoffice.formatting import NOTHING, badge, link, linked
from backoffice.forms import AccountForm, OtherPasswordChangeForm, RoleForm
from backoffice.log_filters import MAX_ACCOUNTS, FieldFilter, KindFilter, StaffFilter
from backoffice.role_names import ROLES, VERBS, permission_name, role_name
from backoffice.spreadsheets.export_admin import EXPORT_LISTS, ExportAdmin

FLAG_COLOURS = {str(ADDITION): "success", str(CHANGE): "info", str(DELETION): "danger"}
admin.site.unregister((User, Group))


def _actor(request: HttpRequest) -> User:
    # The admin serves no visitor without an account.
    return cast("User", request.user)


class NamedChoiceField(ModelMultipleChoiceField):
    """Check boxes for roles and permissions, with readable names."""

    hidden_widget = HiddenIds

    def label_from_instance(self, obj: Any) -> str:
        if isinstance(obj, Group):
            return role_name(obj.name)
        if obj.codename == EXPORT_LISTS:
            return permission_name(f"{obj.content_type.app_label}.{obj.codename}")
        verb = obj.codename.partition("_")[0]
        return f"{obj.content_type}: {VERBS.get(verb, obj.name)}"


CHECKBOXES = {"form_class": NamedChoiceField, "widget": UnfoldAdminCheckboxSelectMultipleWidget}


@admin.register(User)
class StaffAccountAdmin(UserAdmin, EditableAdmin):  # type: ignore[misc]  # Unfold's classes have no types
    """Staff accounts; members of the shop are another table."""

    form = AccountForm
    add_form = UserCreationForm
    change_password_form = OtherPasswordChangeForm
    list_display = ("username", "roles", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("^username", "=id")
    search_help_text = _("How the username begins")
    ordering = ("username",)  # type: ignore[misc]
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password_state")}),
        (_("Personal info"), {"fields": ("first_name", "email")}),
        (_("Roles"), {"fields": ("groups", "is_active", "is_staff", "is_superuser")}),
        (_("Important dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    readonly_fields = ("password_state", "last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Django asks this before a change of the password, too.
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or rights.may_change_account(actor=_actor(request), account=obj))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if _actor(request).is_superuser else (*fields, "is_superuser")

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        # Its log entries would be deleted with it; an account that is to go is made inactive.
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        # Without this, a new account could not sign in.
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        actor = _actor(request)
        roles, permissions = rights.assignable_roles(actor=actor), rights.held_by(actor)
        kwargs["queryset"] = roles if db_field.name == "groups" else permissions
        return super().formfield_for_manytomany(db_field, request, **{**kwargs, **CHECKBOXES})

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's signature
        # One's own password has a page that requires the old one.
        if self.get_object(request, unquote(id)) == request.user:
            return HttpResponseRedirect(reverse("admin:password_change"))
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response

    @admin.display(description=_("Password"))
    def password_state(self, account: User) -> str:
        state = gettext("Password set") if account.has_usable_password() else gettext("No password set.")
        url = reverse("admin:auth_user_password_change", args=[account.pk])
        return format_html("{} · {}", state, link(url, gettext("Change password")))

    @admin.display(description=_("Roles"))
    def roles(self, account: User) -> str:
        return ", ".join(role_name(group.name) for group in account.groups.all())


@admin.register(Group)
class RoleAdmin(GroupAdmin, EditableAdmin):  # type: ignore[misc]  # Unfold's classes have no types
    """Roles: what the accounts that have one may do."""

    form = RoleForm
    list_display = ("title", "purpose")
    search_fields = ("^name",)
    ordering = ("pk",)  # type: ignore[misc]
    filter_horizontal = ()
    readonly_fields = ("title",)

    def get_fields(self, _request: HttpRequest, obj: Group | None = None) -> tuple[str, ...]:
        # The name of a role that the shop ships is translated and cannot be edited.
        return ("title" if obj and obj.name in ROLES else "name", "permissions")

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or rights.may_change_role(actor=_actor(request), role=obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # BaseAdmin refuses a role that an account has.
        allowed = bool(super().has_delete_permission(request, obj))
        return allowed and (obj is None or rights.may_change_role(actor=_actor(request), role=obj))

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        # No page checks other permissions, or any to change history.
        pages = self.admin_site._registry  # noqa: SLF001
        with_page = ContentType.objects.get_for_models(*pages).values()
        history = [model for model, page in pages.items() if isinstance(page, ReadOnly)]
        kwargs["queryset"] = (
            rights.held_by(_actor(request))
            .filter(Q(content_type__in=with_page) | Q(codename=EXPORT_LISTS))
            .exclude(
                content_type__in=ContentType.objects.get_for_models(*history).values(),
                codename__regex="^(add|change|delete)_",
            )
            .select_related("content_type")
        )
        return super().formfield_for_manytomany(db_field, request, **{**kwargs, **CHECKBOXES})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        # Django has kept only the chosen rights; those that the form does not offer stay.
        form.instance.permissions.add(*form.not_offered)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Django also lists the rows of the many-to-many table.
        _rows, _counts, *refusals = super().get_deleted_objects(objs, request)
        return [role_name(role.name) for role in objs], {self.opts.verbose_name_plural: len(objs)}, *refusals

    @admin.display(description=_("What for"))
    def purpose(self, role: Group) -> str:
        return str(ROLES.get(role.name, ("", NOTHING))[1])

    @admin.display(description=_("Name"), ordering="name")
    def title(self, role: Group) -> str:
        return role_name(role.name)


class LogList(BoundedChangeList):
    """A list whose rows show everything and have no page of their own."""

    def url_for_result(self, result: LogEntry) -> str:
        # Django then shows the column without a link.
        raise NoReverseMatch(result)


@admin.register(LogEntry)
class LogEntryAdmin(ExportAdmin, ReadOnlyAdmin):
    """Who did what in the admin, and when."""

    exports = (LOG,)

    list_display = ("action_time", "staff_account", "action", "kind", "row", "text")
    # Where no column is to be a link, Unfold names the first one "Select" on a phone.
    list_display_links = ("action_time",)
    sortable_by = ()
    list_select_related = ("user", "content_type")
    list_filter = (StaffFilter, KindFilter, FieldFilter, ("action_time", DayRangeFilter))
    linked_lookups = ("content_type__id__exact", "object_id__exact")
    search_fields = ("^object_repr", "=object_id")
    search_help_text = _("Id of the row, or how its name or that of the staff account begins")
    ordering = ("-action_time", "-pk")  # type: ignore[assignment]

    def get_changelist(self, _request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        return LogList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        rows, _more = super().get_search_results(request, queryset, search_term)
        if not (words := search_term.strip()) or "\0" in words:
            return rows, False
        names = ("username", "last_name", "first_name")
        named = reduce(or_, (Q((f"{name}__istartswith", words)) for name in names))
        # Ids instead of a join, so that each side uses its index.
        accounts = [*User.objects.filter(named).values_list("pk", flat=True)[:MAX_ACCOUNTS]]
        return rows | queryset.filter(user__in=accounts), False

    @admin.display(description=_("Staff account"))
    def staff_account(self, entry: LogEntry) -> str:
        return linked(entry.user)

    @admin.display(description=_("Action"))
    def action(self, entry: LogEntry) -> str:
        return badge(str(entry.action_flag), entry.get_action_flag_display(), FLAG_COLOURS)

    @admin.display(description=_("Kind"))
    def kind(self, entry: LogEntry) -> str:
        return str(entry.content_type.name) if entry.content_type else ""

    @admin.display(description=_("Row"))
    def row(self, entry: LogEntry) -> str:
        url = entry.get_admin_url()
        # A deleted row has no page, but its log entries are left.
        if url and entry.is_deletion():
            url = action_log.url_of(kind_id=entry.content_type_id, row_id=entry.object_id)
        return link(url, entry.object_repr) if url else entry.object_repr

    @admin.display(description=_("What happened"))
    def text(self, entry: LogEntry) -> str:
        return action_log.describe(entry)
