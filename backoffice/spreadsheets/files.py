"""Tables out of CSV and XLSX files, parsed in a process of its own within bounds that hold for any file."""

import json
import os
import subprocess  # nosec B404 # runs our own parser
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore
from typing import IO, Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _
from openpyxl.utils import get_column_letter

from backoffice.spreadsheets.parser.limits import MAX_BYTES
from backoffice.spreadsheets.refusals import refusal

# Of a process's threads, eight at least (config/gunicorn.py), files occupy these at most.
MAX_AT_ONCE = 2
MAX_WAITING = 4
WAIT_SECONDS = 5
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

FileRow = tuple[int, Sequence[Any]]

log = structlog.get_logger(__name__)

_places = BoundedSemaphore(MAX_AT_ONCE)
_waiting = BoundedSemaphore(MAX_WAITING)


@dataclass(frozen=True)
class CellError:
    """What a cell shows whose formula failed: `#N/A`."""

    text: str


@dataclass(frozen=True, slots=True)
class Formatted:
    """A number that its cell shows otherwise (`007`, `1,000`) or, `is_scaled`, as another one (`100%`)."""

    number: float
    is_scaled: bool

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class Table:
    """A file's headings, its rows, each with its number as a spreadsheet shows it, and what to tell of them.

    Cells are texts, numbers, booleans, naive datetimes, Formatted, CellErrors or None. The rows can be read
    once. `sheet` says which one they are of, where there may be several.
    """

    headers: Sequence[Any]
    rows: Iterator[FileRow]
    sheet: str = ""
    notices: Sequence[str] = ()


@contextmanager
def turn() -> Iterator[None]:
    """One of the few places that a process has for work on files.

    Waits WAIT_SECONDS at most; raises ValidationError where none is free by then, or too many wait already.
    """
    if not _places.acquire(blocking=False):
        if not _waiting.acquire(blocking=False):
            raise refusal("busy")
        try:
            if not _places.acquire(timeout=WAIT_SECONDS):
                raise refusal("busy")
        finally:
            _waiting.release()
    try:
        yield
    finally:
        _places.release()


@contextmanager
def opened(content: bytes) -> Iterator[Table]:
    """The table of a CSV or XLSX file, told apart by what is in it; rows without content are left out.

    Raises ValidationError for whatever cannot be read as it was meant, before any row.
    """
    if len(content) > MAX_BYTES:
        raise refusal("too_big")
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as rows:
        file.write(content)
        file.seek(0)
        report = _parse(file, rows)
        if "refused" in report:
            code = report.pop("refused")
            raise refusal(code, **report)
        rows.seek(0)
        read = _rows(rows)
        _number, headers = next(read, (0, ()))
        yield Table(headers, read, _sheet(report), _notices(report))


def _parse(file: IO[bytes], rows: IO[bytes]) -> dict[str, Any]:
    """What the parser says of the file, whose rows it has written."""
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
        log.error(
            "parser_failed", status=ended.returncode, said=ended.stderr[-1000:].decode(errors="replace")
        )
        return {"refused": "damaged"}
    report: dict[str, Any] = json.loads(ended.stderr)
    return report


def _rows(lines: IO[bytes]) -> Iterator[FileRow]:
    for line in lines:
        number, cells = json.loads(line, object_hook=_typed)
        yield number, cells


def _typed(cell: dict[str, Any]) -> datetime | CellError | Formatted:
    if "number" in cell:
        return Formatted(cell["number"], cell["scaled"])
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
