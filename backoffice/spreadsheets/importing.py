"""Importing a file: a preview, then as a whole in one transaction, or not at all."""

import json
import os
import subprocess  # nosec B404 # runs our own parser
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import IO, Any

import structlog
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets import staging
from backoffice.spreadsheets.columns import CellError, Column, Formatted, Row, Spreadsheet
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.refusals import refusal
from backoffice.spreadsheets.validation import RowValidator
from core.db.transactions import durable_transaction

BATCH_SIZE = 1_000
# Up to here a preview shows each row that changes, and the log gets an entry for each new one.
MAX_SHOWN_ROWS = 10_000
MAX_INVALID_ROWS = 100

# More than the processor time that the parser has (limits.CPU_SECONDS): others use the machine too.
DEADLINE_SECONDS = 40

# Isolated, and without site-packages: it starts in 50 ms, and no package can do anything in it.
_PARSER = [
    *(sys.executable, "-I", "-S", "-c"),
    "import sys; sys.path.append(sys.argv[1]); from backoffice.spreadsheets.parser.main import main; main()",
    str(settings.BASE_DIR),
]
# Where the interpreter's own libraries are; no secret of the shop's.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ShownRow:
    """A row as a page shows it; its errors by column's label, the row's as a whole last."""

    number: int
    kind: str
    # Of the stored row, where the file does not give it.
    name: str
    errors: dict[str, list[str]]
    cells: Sequence[Any]


@dataclass
class ImportResult:
    """What a file would do, or did. Counts always; rows where they are few enough to be looked at."""

    sheet: str = ""
    notices: list[str] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    invalid_rows: list[ShownRow] = field(default_factory=list)
    rows: list[ShownRow] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    adjusted: int = 0
    warned: int = 0
    _planned: Any = field(default_factory=sha256, init=False)

    @property
    def fingerprint(self) -> str:
        """Of what is written over what; a confirmed import does that, or nothing."""
        return str(self._planned.hexdigest())

    @property
    def changes_nothing(self) -> bool:
        return self.counts["unchanged"] == self.counts.total()

    @property
    def formatted_counts(self) -> dict[str, str]:
        return {kind: f"{self.counts[kind]:,}" for kind in ("new", "changed", "unchanged")}

    @property
    def is_too_long_to_show(self) -> bool:
        return self.counts.total() > MAX_SHOWN_ROWS

    @property
    def is_full(self) -> bool:
        # With so many invalid rows, reading on would help nobody.
        return len(self.invalid_rows) >= MAX_INVALID_ROWS

    def add(self, row: Row, spreadsheet: Spreadsheet) -> None:
        self.counts["invalid" if row.errors else row.kind] += 1
        self._planned.update(repr((row.number, row.kind, row.overwritten, row.changes)).encode())
        self.adjusted += bool(row.extra)  # as a difference of stock
        self.warned += bool(row.warnings)
        name = str(row.stored) if row.stored and "name" not in row.values else ""
        if row.errors:
            if not self.is_full:
                labels = {column.name: column.label for column in self.columns}
                # Those of the row as a whole last.
                names = sorted(row.errors, key=lambda name: not name)
                errors = {labels.get(name, name): row.errors[name] for name in names}
                cells = [row.cells.get(column.name, "") for column in self.columns]
                self.invalid_rows.append(ShownRow(row.number, row.kind, name, errors, cells))
        elif self.is_too_long_to_show:
            self.rows.clear()
        else:
            cells = [spreadsheet.preview(row, column) for column in self.columns]
            self.rows.append(ShownRow(row.number, row.kind, name, {}, cells))


def preview(*, spreadsheet: Spreadsheet, content: bytes) -> ImportResult:
    """What a CSV or XLSX file would do; nothing is written, locked or taken from a sequence.

    Raises ValidationError where the file as a whole is wrong.
    """
    with parsed(content) as (report, rows), durable_transaction():
        result = _read_rows(spreadsheet, report, rows)
        transaction.set_rollback(True)
    return result


def confirm(
    *, spreadsheet: Spreadsheet, content: bytes, file_name: str, staff_id: int, fingerprint: str
) -> ImportResult:
    """Write all rows of a file whose preview had this `fingerprint`; or none where rows are invalid.

    Raises ValidationError where the file as a whole is wrong or would do something else by now,
    OperationalError and IntegrityError where other transactions hold or change the same rows.
    """
    entries = ImportLog(staff_id=staff_id, file=file_name[:100], model=spreadsheet.model)
    with parsed(content) as (report, rows), durable_transaction():
        # Imports of a table take turns, or each would miss the names of the other's new rows.
        content_type = ContentType.objects.get_for_model(spreadsheet.model)
        ContentType.objects.select_for_update(of=("self",), no_key=True).get(pk=content_type.pk)
        result = _read_rows(spreadsheet, report, rows, entries=entries)
        if result.invalid_rows:
            transaction.set_rollback(True)
            return result
        if result.fingerprint != fingerprint:
            raise ValidationError(
                _("The shop has changed since the preview. Please upload the file again and look once more.")
            )
        if result.is_too_long_to_show:
            entries.file_imported(added=result.counts["new"], changed=result.counts["changed"])
        refused = staging.write(
            spreadsheet=spreadsheet, log=entries, logs_new_rows=not result.is_too_long_to_show
        )
        for row in refused:
            result.add(row, spreadsheet)
        if result.invalid_rows:
            transaction.set_rollback(True)
    return result


def _read_rows(
    spreadsheet: Spreadsheet, report: dict[str, Any], rows: Iterator[Any], *, entries: ImportLog | None = None
) -> ImportResult:
    _number, headings = next(rows, (0, ()))
    validator = RowValidator(spreadsheet=spreadsheet, headings=headings)
    result = ImportResult(_sheet(report), _notices(report), [*validator.columns.values()])
    staging.create_tables()
    while not result.is_full and (batch := validator.validate(islice(rows, BATCH_SIZE))):
        # A preview has none of these: it changes nothing.
        if entries:
            right = (row for row in batch if not row.errors)
            staging.stage(spreadsheet=spreadsheet, rows=right, log=entries)
        for row in batch:
            result.add(row, spreadsheet)
    if not result.counts:
        raise ValidationError(_("The file has no rows below its headings."))
    if result.adjusted > MAX_SHOWN_ROWS:
        raise ValidationError(
            _("A file adjusts the stock of %(most)s products at most: split it."),
            params={"most": f"{MAX_SHOWN_ROWS:,}"},
        )
    if count := validator.ignored_changes:
        result.notices.append(str(spreadsheet.ignored_change) % {"rows": f"{count:,}"})
    if result.warned:
        result.notices.append(_("Rows to look at once more: %(rows)s.") % {"rows": f"{result.warned:,}"})
    return result


@contextmanager
def parsed(content: bytes) -> Iterator[tuple[dict[str, Any], Iterator[tuple[int, list[Any]]]]]:
    """What the parser tells of a CSV or XLSX file, and its rows with content, each with its number.

    Cells are texts, numbers, booleans, naive datetimes, Formatted, CellErrors or None; the first row are the
    headings. Raises ValidationError for whatever cannot be read as it was meant, before any row.
    """
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as rows:
        file.write(content)
        file.seek(0)
        report = _parse(file, rows)
        if "refused" in report:
            raise refusal(report.pop("refused"), **report)
        rows.seek(0)
        yield report, (json.loads(line, object_hook=_typed) for line in rows)


def _parse(file: IO[bytes], rows: IO[bytes]) -> dict[str, Any]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        ended = subprocess.run(  # noqa: S603 - our own program # nosec B603
            _PARSER,
            stdin=file,
            stdout=rows,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/",
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"refused": "too_much_work"}
    except OSError:  # no memory or no process to be had
        return {"refused": "busy"}
    if ended.returncode < 0:  # the kernel ended it, at a limit
        return {"refused": "too_much_work"}
    if ended.returncode:
        said = ended.stderr[-1000:].decode(errors="replace")
        log.error("parser_failed", status=ended.returncode, said=said)
        return {"refused": "damaged"}
    report: dict[str, Any] = json.loads(ended.stderr)
    return report


def _typed(cell: dict[str, Any]) -> datetime | CellError | Formatted:
    if "number" in cell:
        return Formatted(cell["number"], cell["other"])
    return datetime.fromisoformat(cell["date"]) if "date" in cell else CellError(cell["error"])


def _sheet(report: dict[str, Any]) -> str:
    if not report:
        return ""
    name, count = report["sheet"], report["sheets"]
    if count == 1:
        return _("Sheet: %(name)s") % {"name": name}
    return _("Sheet: %(name)s, the first visible one of %(count)s") % {"name": name, "count": f"{count:,}"}


def _notices(report: dict[str, Any]) -> list[str]:
    notices = []
    if count := report.get("hidden_rows"):
        notices.append(_("Hidden rows are imported too: %(count)s.") % {"count": f"{count:,}"})
    if columns := report.get("hidden_columns"):
        names = ", ".join(map(get_column_letter, columns))
        notices.append(_("Hidden columns are imported too: %(columns)s.") % {"columns": names})
    return notices
