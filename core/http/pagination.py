"""Lists by cursor: pages before and after a row, strictly read."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from core.db.pages import MAX_PAGE_SIZE, PAGE_SIZE, Page, Position
from core.problems import InputError, Invalid

# The kinds of cursors, which sign them too: one of a list of the other kind is refused.
BY_ID, BY_TIMESTAMP = "cursor", "cursor-with-timestamp"


def encode_cursor(position: Position) -> str:
    if position.timestamp is None:
        return Signer(salt=BY_ID).sign_object([position.backward, position.pk])
    moment = position.timestamp.isoformat()
    return Signer(salt=BY_TIMESTAMP).sign_object([position.backward, position.pk, moment])


def decode_cursor(cursor: str, *, kind: str) -> Position:
    """Raises BadSignature for one that is not ours, or of another kind."""
    backward, pk, *moment = Signer(salt=kind).unsign_object(cursor)
    return Position(backward, datetime.fromisoformat(moment[0]) if moment else None, pk)


class KeysetPagination(CursorPagination):
    """20 rows a page, 1–100 on request; by id, or by a timestamp and then the id: the view's `ordering`.

    DRF's own cursor counts rows of one timestamp by offset and loses some on the way back
    (core/tests/test_lists.py); this one reads on from the row itself.
    """

    page_size = PAGE_SIZE
    max_page_size = MAX_PAGE_SIZE
    page_size_query_param = "page_size"
    page_size_query_description = "How many rows a page has."
    cursor_query_description = "Taken from `next` or `previous`, as it is."

    def get_page_size(self, request: Request) -> int:
        """Raises Invalid out of 1–100."""
        text = request.query_params.get("page_size", str(self.page_size))
        if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= self.max_page_size:
            raise Invalid(errors=[InputError("parameter", "page_size", "page_size")])
        return int(text)

    def rows_of(
        self, request: Request, read: Callable[[Page], Sequence[Any]], *, ordering: Sequence[str]
    ) -> Sequence[Any]:
        """The rows of the page that the parameters name; the links lead to its neighbours. Raises Invalid."""
        self.timestamp = _timestamp_of(ordering)
        size, start = self.get_page_size(request), self._start(request)
        backward = start is not None and start.backward
        found = read(Page(size, start))
        self.url = request.build_absolute_uri()
        self.rows = found[:size][::-1] if backward else found[:size]
        self.has_next = backward or len(found) > size
        self.has_previous = len(found) > size if backward else start is not None
        return self.rows

    def get_next_link(self) -> str | None:
        return self._link(self.rows[-1], backward=False) if self.rows and self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.rows[0], backward=True) if self.rows and self.has_previous else None

    def _start(self, request: Request) -> Position | None:
        token = request.query_params.get(self.cursor_query_param)
        if not token:
            return None
        try:
            return decode_cursor(token, kind=BY_TIMESTAMP if self.timestamp else BY_ID)
        except BadSignature as error:
            raise Invalid(errors=[InputError("parameter", "cursor", "cursor")]) from error

    def _link(self, row: Any, *, backward: bool) -> str:
        timestamp = getattr(row, self.timestamp) if self.timestamp else None
        cursor = encode_cursor(Position(backward, timestamp, row.id))
        return replace_query_param(self.url, self.cursor_query_param, cursor)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        cursor["schema"]["format"] = BY_TIMESTAMP if _timestamp_of(view.ordering) else BY_ID
        size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [size, cursor]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "properties": {"next": link, "previous": link, "results": schema},
            "description": "A page of a list; `next` and `previous` are the URLs of its neighbours.",
        }


def _timestamp_of(ordering: Sequence[str]) -> str | None:
    # A list is ordered by the id alone, or by a timestamp and then the id.
    return ordering[0].lstrip("-") if len(ordering) > 1 else None
