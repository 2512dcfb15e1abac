"""Rows of a list as a CSV or XLSX file, complete and as of one moment before any of it is sent."""

import csv
import gzip
import io
import re
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain, islice
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO, Any

import structlog
from django.contrib.admin.utils import get_fields_from_path
from django.db import connection
from django.db.models import Field, Model, QuerySet
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook

from backoffice.formatting import shortened
from backoffice.spreadsheets import sql
from backoffice.spreadsheets.columns import ChoiceColumn, Column
from backoffice.spreadsheets.parser.limits import LAST_ROW, MAX_ROWS
from backoffice.spreadsheets.refusals import refusal
from core.db.replica import read_from_replica

BATCH_SIZE = 1_000
# The rows of a CSV file that a spreadsheet shows, without the headings.
MAX_CSV_ROWS = LAST_ROW - 1
# Exports of one process that are not downloaded yet: they lie in /tmp, which is memory in a container.
MAX_OPEN = 8
# Of a cell in XLSX; openpyxl leaves out the rest without a mark.
MAX_CELL_CHARS = 32_767
# Excel recognises UTF-8 only by this.
BYTE_ORDER_MARK = "\ufeff"
# Characters that XML cannot hold or changes, and texts that look like their escapes.
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


_open: "weakref.WeakSet[IO[bytes]]" = weakref.WeakSet()
log = structlog.get_logger(__name__)


class TooManyRows(ValueError):
    """More rows than this kind of file can have."""


class SecondsColumn(Column):
    """Seoul's time to the second: a spreadsheet reads a six-digit fraction as text."""

    def __init__(self, own: Any) -> None:
        super().__init__(own)
        # Cached: looked up for each cell, it would take a fifth of the time.
        self.zone = get_current_timezone()

    def show(self, value: Any, *, typed: bool) -> Any:
        if value is None:
            return ""
        local = value.astimezone(self.zone).replace(tzinfo=None, microsecond=0)
        return local if typed else local.isoformat(sep=" ")


class TextColumn(Column):
    """Writes values that XLSX has no type for as text."""

    def show(self, value: Any, *, typed: bool) -> Any:  # noqa: ARG002 - the same in either file
        return "" if value is None else str(value)


_KINDS = {"DateTimeField": SecondsColumn, "UUIDField": TextColumn}


def _as_found(rows: "QuerySet[Any]") -> "QuerySet[Any]":
    return rows


@dataclass(frozen=True)
class Export:
    """A way to export a list.

    `columns` are the file's, in the reader's language. `rows` turns the list's queryset into the rows of the
    file, which are of `model` and in `ordering`; `title` distinguishes this export from others of the list.
    A column in `permissions` is only for accounts with its permission.
    """

    model: type[Model]
    columns: Callable[[], list[Column]]
    title: "str | Promise" = ""
    rows: "Callable[[QuerySet[Any]], QuerySet[Any]]" = _as_found
    ordering: tuple[str, ...] = ("pk",)
    permissions: Mapping[str, str] = field(default_factory=dict)

    def columns_for(self, account: Any) -> list[Column]:
        needed = self.permissions
        return [
            each for each in self.columns() if each.name not in needed or account.has_perm(needed[each.name])
        ]


def columns_of(
    model: type[Model],
    headings: "Mapping[str, str | Promise | Field[Any, Any]]",
    kinds: Mapping[str, type[Column]] = MappingProxyType({}),
) -> Callable[[], list[Column]]:
    """A function that makes a column for each field of `headings`, also of a related row as in `user__name`.

    A heading is "" for the field's own label, or the field that describes an annotation of `Export.rows`.
    `kinds` are column classes that differ from the default of their field's type.
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
    """A complete file on disk, deleted on close; `size` is in bytes, for CSV before compression."""

    content: IO[bytes]
    rows: int
    size: int


def count_rows(rows: "QuerySet[Any]") -> int:
    """The number of rows, at most MAX_CSV_ROWS + 1."""
    return rows.order_by().values("pk")[: MAX_CSV_ROWS + 1].count()


def make_file(*, columns: list[Column], rows: "QuerySet[Any]", is_xlsx: bool) -> File:
    """A file of these rows in their order, headings first.

    Raises TooManyRows, and ValidationError where MAX_OPEN files are not closed yet or there is no room. All
    rows are as of one moment. If a standby cancels the read, the primary is read from the start. Raises what
    the database raises, and leaves no file then.
    """
    values = rows.values_list(*(column.name for column in columns))
    write = _write_xlsx if is_xlsx else _write_csv

    def read() -> File:
        _refuse_too_many(count_rows(rows), is_xlsx=is_xlsx)
        # A cursor is one statement: it sees one snapshot, and each fetch has the whole time-out.
        with ExitStack() as failure, connection.cursor() as cursor:
            file = failure.enter_context(TemporaryFile())
            cursor.execute(sql.PLAN_CURSORS_FOR_ALL_ROWS)
            # A cursor within a transaction is safe behind a pgbouncer, too, although the setting turns
            # cursors off.
            found = values._iterator(use_chunked_fetch=True, chunk_size=BATCH_SIZE)  # type: ignore[attr-defined]  # noqa: SLF001
            # Closed here, also after a failure: later its CLOSE would end somebody else's transaction.
            with closing(found):
                counted, size = write(file, _lines(columns, found, typed=is_xlsx))
            file.seek(0)
            failure.pop_all()
        return File(file, rows=counted, size=size)

    if sum(not each.closed for each in _open) >= MAX_OPEN:
        raise refusal("too_many_exports")
    try:
        file = read_from_replica(read, in_snapshot=True)
    except OSError as error:
        log.warning("export_not_written", error=str(error))
        raise refusal("no_room") from error
    _open.add(file.content)
    return file


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
        book.save(file)  # also after a failure: only save() makes openpyxl remove its temporary file
    return rows, file.seek(0, io.SEEK_END)


def _escaped(text: str) -> str:
    # XLSX requires these escapes (ECMA-376 part 1, 22.9.2.19, ST_Xstring).
    return shortened(_TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text), MAX_CELL_CHARS)


def _lines(columns: list[Column], found: Iterable[tuple[Any, ...]], *, typed: bool) -> Iterator[list[Any]]:
    cells = (zip(columns, row, strict=True) for row in found)
    return chain(
        [[column.label for column in columns]],
        ([column.write(value, typed=typed) for column, value in row] for row in cells),
    )
