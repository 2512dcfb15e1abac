"""A database restored to a moment: no number that anybody may know is given out a second time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from core.db import sql


class Unsafe(Exception):
    """The reason to do nothing yet, for an operator."""


@dataclass(frozen=True)
class Forgotten:
    """An event that the data platform has and no row has any more: what it was, in words, and all of it."""

    words: str
    event: Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """Facts from the data platform's file that a restored database may lack.

    `highest_ids` are the highest ids in it; `given_twice` names the numbers that have another owner there.
    """

    highest_ids: Mapping[type[Model], int]
    forgotten: Sequence[Forgotten]
    given_twice: Sequence[str]


@dataclass(frozen=True)
class Numbering:
    """A model's sequence: the last id given out as far as this database knows, and the last that it has."""

    model: type[Model]
    sequence: str
    last: int
    end: int


def numberings() -> Iterator[Numbering]:
    with connection.cursor() as cursor:
        # Staff's tables and many-to-many fields have sequences, too.
        for model in apps.get_models(include_auto_created=True):
            for found in connection.introspection.get_sequences(cursor, model._meta.db_table):  # noqa: SLF001 - documented API
                cursor.execute(sql.SEQUENCE, [found["name"]])
                yield Numbering(model, found["name"], *cursor.fetchone())


def move_past(*, highest_ids: Mapping[type[Model], int], margin: int) -> Iterator[tuple[Numbering, int]]:
    """Let every numbering go on after what it gave out, what is known of it, and so many more.

    Yields each with the number that it now goes on after; a rollback does not undo it. Raises Unsafe, before
    the first is moved, where one would have no number left.
    """
    moves = [(each, max(each.last, highest_ids.get(each.model, 0)) + margin) for each in numberings()]
    for numbering, number in moves:
        if number >= numbering.end:
            raise Unsafe(f"{numbering.sequence} ends at {numbering.end} and cannot go on after {number}")
    with connection.cursor() as cursor:
        for numbering, number in moves:
            cursor.execute("SELECT setval(%s, %s)", [connection.ops.quote_name(numbering.sequence), number])
            yield numbering, number


def require_alone() -> None:
    """Raises Unsafe where this server is no primary yet, or where anybody else uses this database."""
    is_recovering, others = sql.one_row(sql.ALONE)
    if is_recovering:
        raise Unsafe("this server is still recovering; `SELECT pg_promote()` ends that")
    # Another session could be given a number that is already in use, before the sequences are moved.
    if others:
        raise Unsafe(f"{others} other sessions use this database; stop web, worker and poolers first")
