"""Lists by cursor: the contract's page_size and cursor, strictly read."""

import re
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, DateTimeField
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from api.problems import InputError, Invalid


class Cursored(CursorPagination):
    """20 rows a page, 1–100 on request; by id unless a subclass orders otherwise."""

    ordering: str | tuple[str, ...] = ("id",)
    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int:
        """The page size asked for. Raises Invalid out of 1–100."""
        text = request.query_params.get("page_size", str(self.page_size))
        if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= self.max_page_size:
            raise Invalid(errors=[InputError("parameter", "page_size", "page_size")])
        return int(text)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The page's rows, whose first ordering column tells how a cursor's position is read."""
        self.reads_moments = isinstance(
            queryset.model._meta.get_field(self.ordering[0].lstrip("-")),  # noqa: SLF001 - documented API
            DateTimeField,
        )
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """The cursor, with a position the database can compare. Raises Invalid for a forged one."""
        try:
            cursor = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                self._require_position(str(cursor.position))
        except (NotFound, ValueError, UnicodeError) as error:
            raise Invalid(errors=[InputError("parameter", "cursor", "cursor")]) from error
        return cursor

    def _require_position(self, position: str) -> None:
        if self.reads_moments:
            if datetime.fromisoformat(position).tzinfo is None:
                raise ValueError(position)
        elif (
            not re.fullmatch(r"[0-9]{1,19}", position, re.ASCII) or int(position) > BigIntegerField.MAX_BIGINT
        ):
            raise ValueError(position)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The page as the OpenAPI document describes it."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }
