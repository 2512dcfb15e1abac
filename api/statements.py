"""Statements written by hand, which PostgreSQL plans once for each connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper


@contextmanager
def prepared() -> Iterator[CursorWrapper]:
    """A cursor that sends a statement and its values apart, so that the plan can be kept.

    Only for statements by hand: the ORM's own integers would be cut to 32 bits on this way, without an error.
    """
    connection.ensure_connection()
    session: Any = connection.connection
    usual, session.cursor_factory = session.cursor_factory, ServerBindingCursor
    try:
        cursor = connection.cursor()
    finally:
        session.cursor_factory = usual
    with cursor:
        yield cursor
