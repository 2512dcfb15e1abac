"""Rows of a list as a CSV or XLSX file: made as a whole, of one moment, before any of it is sent."""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO, Any

from django.contrib.admin.utils import get_fields_from_path
from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook

from backoffice.spreadsheets import sql
from backoffice.spreadsheets.columns import ChoiceColumn, Column
from backoffice.spreadsheets.parser.limits import LAST_ROW, MAX_ROWS
from core.db.replica import read_from_replica

BATCH_SIZE = 1_000
# What a spreadsheet shows of a CSV file, below the headings.
MAX_CSV_ROWS = LAST_ROW - 1
# Excel reads UTF-8 as such only behind this.
BYTE_ORDER_MARK = "\ufeff"
# What XML cannot hold or changes, and what looks like its escape.
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class TooManyRows(ValueError):
    """More rows than this kind of file is made for."""


class SecondsColumn(Column):
    """Seoul's time to the second: a spreadsheet takes a fraction of six digits for a text."""

    def __init__(self, own: Any) -> None:
        super().__init__(own)
        # Asked for each cell, it would take a fifth of the whole.
        self.zone = get_current_timezone()

    def show(self, value: Any, *, typed: bool) -> Any:
        if value is None:
            return ""
        local = value.astimezone(self.zone).replace(tzinfo=None, microsecond=0)
        return local if typed else local.isoformat(sep=" ")


class TextColumn(Column):
    """What XLSX has no type for, as a text."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - the same in either file
        return "" if value is None else str(value)


_KINDS = {"DateTimeField": SecondsColumn, "UUIDField": TextColumn}


def _as_found(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    return rows


@dataclass(frozen=True)
class Export:
    """What a list gives as a file.

    `columns` are the file's, in the reader's language. `rows` makes of what the list finds the rows of the
    file, which are of `model` and come in `ordering`; `title` tells this export from others of the list.
    """

    model: type[Model]
    columns: Callable[[], list[Column]]
    title: "str | Promise" = ""
    rows: "Callable[[QuerySet[Any]], QuerySet[Any]]" = _as_found
    ordering: tuple[str, ...] = ("pk",)


def columns_of(
    model: type[Model],
    headings: "Mapping[str, str | Promise | Field[Any, Any]]",
    kinds: Mapping[str, type[Column]] = MappingProxyType({}),
) -> Callable[[], list[Column]]:
    """What makes a column for each field of `headings`, also of a related row as `user__name`.

    A heading is "" for the field's own name, or the field that says what `Export.rows` annotates under this
    name. `kinds` are the columns that are not written as their field's type is.
    """

    def column(name: str, heading: Any) -> Column:
        own = heading if isinstance(heading, Field) else get_fields_from_path(model, name)[-1]
        usual = ChoiceColumn if own.choices else _KINDS.get(own.get_internal_type(), Column)
        made = kinds.get(name, usual)(own)
        made.name = name
        made.label = str(own.verbose_name if heading is own else heading or own.verbose_name)
        return made

    return lambda: [column(name, heading) for name, heading in headings.items()]


@dataclass(frozen=True)
class File:
    """A whole file on disk, gone once it is closed; `size` is in bytes, of CSV before it was compressed."""

    content: IO[bytes]
    rows: int
    size: int


def count_rows(rows: "QuerySet[Any]") -> int:
    """How many rows there are; MAX_CSV_ROWS + 1 where there are more."""
    return rows.order_by().values("pk")[: MAX_CSV_ROWS + 1].count()


def make_file(*, columns: list[Column], rows: "QuerySet[Any]", is_xlsx: bool) -> File:
    """A file of these rows in their order, headings first. Raises TooManyRows.

    All rows are of one moment. Where a standby ends the read, the primary is read from the start. What the
    database raises is raised, and then there is no file.
    """
    values = rows.values_list(*(column.name for column in columns))
    write = _write_xlsx if is_xlsx else _write_csv

    def read() -> File:
        _refuse_too_many(count_rows(rows), is_xlsx=is_xlsx)
        # A cursor is one statement: it sees one moment, and each of its fetches has the whole time-out.
        with ExitStack() as failure, connection.cursor() as cursor:
            file = failure.enter_context(TemporaryFile())
            cursor.execute(sql.PLAN_CURSORS_FOR_ALL_ROWS)
            # Within a transaction a cursor is safe behind a pgbouncer, too, whose setting turns them off.
            found = values._iterator(use_chunked_fetch=True, chunk_size=BATCH_SIZE)  # type: ignore[attr-defined]  # noqa: SLF001
            counted, size = write(file, _lines(columns, found, typed=is_xlsx))
            file.seek(0)
            failure.pop_all()
        return File(file, rows=counted, size=size)

    return read_from_replica(read, in_snapshot=True)


def _refuse_too_many(rows: int, *, is_xlsx: bool) -> None:
    if rows > MAX_CSV_ROWS:
        text = _("A file has %(most)s rows at most. Narrow the list, for example by days.")
        raise TooManyRows(text % {"most": f"{MAX_CSV_ROWS:,}"})
    if is_xlsx and rows > MAX_ROWS:
        text = _("An XLSX file has %(most)s rows at most. Filter the list, or take CSV.")
        raise TooManyRows(text % {"most": f"{MAX_ROWS:,}"})


def _write_csv(file: IO[bytes], lines: Iterator[list[Any]]) -> tuple[int, int]:
    rows = -1
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as compressed:
        size = compressed.write(BYTE_ORDER_MARK.encode())
        while batch := [*islice(lines, BATCH_SIZE)]:
            text = io.StringIO(newline="")
            csv.writer(text).writerows(batch)
            size += compressed.write(text.getvalue().encode())
            rows += len(batch)
    return rows, size


def _write_xlsx(file: IO[bytes], lines: Iterator[list[Any]]) -> tuple[int, int]:
    book, rows = Workbook(write_only=True), -1
    sheet = book.create_sheet()
    try:
        for line in lines:
            sheet.append([_escaped(cell) if isinstance(cell, str) else cell for cell in line])
            rows += 1
    finally:
        book.save(file)  # after a failure, too: only now openpyxl removes the file that it writes rows into
    return rows, file.seek(0, io.SEEK_END)


def _escaped(text: str) -> str:
    """As spreadsheets escape in XLSX (ECMA-376 part 1, 22.9.2.19, ST_Xstring)."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _lines(columns: list[Column], found: Iterable[tuple[Any, ...]], *, typed: bool) -> Iterator[list[Any]]:
    cells = (zip(columns, row, strict=True) for row in found)
    return chain(
        [[column.label for column in columns]],
        ([column.write(value, typed=typed) for column, value in row] for row in cells),
    )
