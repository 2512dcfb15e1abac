"""Sections below the fields of a row's page, which any app can add."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from unfold.admin import ModelAdmin

from core.conventions import modules_named

Text = str | Promise
# The newest rows of another table that a section shows, at most.
ROWS = 10


@dataclass(frozen=True)
class Content:
    """Named figures, a note, and a table with column names, rows and the URL of the full list."""

    figures: Sequence[tuple[Text, Text]] = ()
    note: Text = ""
    columns: Sequence[Text] = ()
    rows: Sequence[Sequence[Text]] = ()
    all_rows: str = ""


@dataclass(frozen=True)
class Section:
    """A section on the page of each row of a table, for staff with a permission; `read` takes the row."""

    table: str
    position: int
    permission: str
    title: Text
    read: Callable[[Any], Content]


class SectionsAdmin(ModelAdmin):
    """Pages that end with the sections that this staff account may see.

    Found by convention: `SECTIONS` of each app's `page_sections.py`.
    """

    change_form_outer_after_template = "backoffice/sections.html"

    class Media:
        css = {"all": ("backoffice/dashboard.css",)}

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Model | None = None,
        **kwargs: Any,
    ) -> HttpResponse:
        if obj is not None:
            context["sections"] = [
                (section.title, section.read(obj))
                for section in sections_of(self.opts.db_table)
                if request.user.has_perm(section.permission)
            ]
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response


def sections_of(table: str) -> list[Section]:
    found = [
        each for module in modules_named("page_sections") for each in module.SECTIONS if each.table == table
    ]
    return sorted(found, key=lambda each: each.position)
