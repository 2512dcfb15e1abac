"""The global search box: finds rows by number, name or request id, and pages by name."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.base import BaseAdmin
from backoffice.formatting import list_url, page_url

MAX_ROWS = 10


@dataclass(frozen=True)
class Group:
    """The results of one kind: texts with their URLs, and the URL of the full list if there are more."""

    title: str
    rows: list[tuple[str, str]]
    all_url: str = ""


def find(site: AdminSite, request: HttpRequest, words: str) -> list[Group]:
    """The rows that match `find_by` of the site's pages and that this account may see, MAX_ROWS of a kind."""
    if not words:
        return []
    groups = [_rows(admin, request, words) for admin in site._registry.values() if _is_asked(admin, words)]  # noqa: SLF001
    return [group for group in (_pages(site, request, words), *groups) if group.rows]


def _is_asked(admin: Any, words: str) -> bool:
    # Words that begin with # are an order's number.
    return isinstance(admin, BaseAdmin) and any(
        field.startswith("#") or not words.startswith("#") for field in admin.find_by
    )


def _rows(admin: Any, request: HttpRequest, words: str) -> Group:
    name = str(admin.opts.verbose_name_plural)
    if not admin.has_view_permission(request):
        return Group(name, [])
    rows = list(
        admin.matching(admin.get_queryset(request), admin.find_by, words).order_by("-pk")[: MAX_ROWS + 1]
    )
    found = [(str(row), page_url(row)) for row in rows[:MAX_ROWS]]
    return Group(name, found, list_url(admin.opts.db_table, q=words) if len(rows) > MAX_ROWS else "")


def _pages(site: AdminSite, request: HttpRequest, words: str) -> Group:
    pages = [page for app in site.get_app_list(request) for page in app["models"]]
    found = [
        (page["name"], page["admin_url"]) for page in pages if words.lower() in str(page["name"]).lower()
    ]
    return Group(_("Pages"), found)
