"""Pages of a list, read on from a row: what their statements are compiled for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

PAGE_SIZE, MAX_PAGE_SIZE = 20, 100

M = TypeVar("M", bound=Model)
R = TypeVar("R")


@dataclass(frozen=True)
class Position:
    """A row's place in a list, and which way to read on; `timestamp` where the list is ordered by one."""

    backward: bool
    timestamp: datetime | None
    pk: int


@dataclass(frozen=True)
class PageShape:
    """What the statement of a page is compiled for: no more than eight of these for each list.

    It reads on from a row, or from the first of the list, or backward from a row; its limit is one row more
    than the usual page has, or than the largest.
    """

    limit: int
    beyond: bool = False
    backward: bool = False

    def ordered(self, ordering: Sequence[str]) -> list[str]:
        if not self.backward:
            return [*ordering]
        return [name[1:] if name.startswith("-") else f"-{name}" for name in ordering]

    def of(
        self,
        rows: "QuerySet[M, R]",
        ordering: Sequence[str],
        *,
        pk: int | None,
        timestamp: datetime | None = None,
    ) -> "QuerySet[M, R]":
        """The rows of the page, in the direction in which it is read, and one more where there is one."""
        ordered = self.ordered(ordering)
        if self.beyond:
            rows = rows.filter(_rows_after(ordered, pk=pk, timestamp=timestamp))
        return rows.order_by(*ordered)[: self.limit]


@dataclass(frozen=True)
class Page:
    """A page that a client asks for: how many rows, and the position after which they are."""

    size: int
    start: Position | None

    @property
    def by_id(self) -> dict[str, Any]:
        """The arguments `shape` and `pk` for the statement of a list that is ordered by id."""
        limit = (PAGE_SIZE if self.size == PAGE_SIZE else MAX_PAGE_SIZE) + 1
        if self.start is None:
            return {"shape": PageShape(limit), "pk": None}
        return {"shape": PageShape(limit, beyond=True, backward=self.start.backward), "pk": self.start.pk}

    @property
    def by_timestamp(self) -> dict[str, Any]:
        """The same, and `timestamp`, for a list that is ordered by one and then the id."""
        return {**self.by_id, "timestamp": self.start and self.start.timestamp}


def _rows_after(ordered: Sequence[str], *, pk: Any, timestamp: Any) -> Q:
    side = "lt" if ordered[-1].startswith("-") else "gt"
    beyond = Q((f"pk__{side}", pk))
    if len(ordered) == 1:
        return beyond
    name = ordered[0].lstrip("-")
    # An index serves this form.
    return (beyond | Q((f"{name}__{side}", timestamp))) & Q((f"{name}__{side}e", timestamp))
