"""Importing a file: as a whole, in one transaction, or not at all."""

from dataclasses import dataclass
from itertools import islice

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from backoffice.spreadsheets import files, staging
from backoffice.spreadsheets.columns import Spreadsheet
from backoffice.spreadsheets.import_log import ImportLog
from backoffice.spreadsheets.results import ImportResult
from backoffice.spreadsheets.validation import RowValidator
from core.db.transactions import durable_transaction

BATCH_SIZE = 1_000


@dataclass(frozen=True)
class Confirmation:
    """A yes to a preview: from whom, to which file, and the preview's `ImportResult.summary`."""

    staff_id: int
    file_name: str
    expected: str


def import_file(
    *, spreadsheet: Spreadsheet, content: bytes, confirmation: Confirmation | None = None
) -> ImportResult:
    """Write all rows of a CSV or XLSX file, or say what is wrong with it.

    Without a confirmation, or where anything is wrong, nothing is written, locked or taken from a sequence.
    Raises ValidationError where the file cannot be read; OperationalError and IntegrityError where other
    transactions hold or change the same rows.
    """
    result = ImportResult()
    with files.opened(content) as table, durable_transaction():
        try:
            with staging.staging_tables():
                _validate(table, spreadsheet, result, staged=confirmation is not None)
                if confirmation and not result.fails:
                    _write(spreadsheet, result, confirmation)
        except ValidationError as error:
            result.errors += error.messages
        if not confirmation or result.fails:
            transaction.set_rollback(True)
    return result


def _validate(table: files.Table, spreadsheet: Spreadsheet, result: ImportResult, *, staged: bool) -> None:
    validator = RowValidator(spreadsheet=spreadsheet, columns=spreadsheet.match(table.headers))
    columns = [*validator.columns.values()]
    result.sheet = table.sheet
    result.notices += table.notices
    result.headings = [column.label for column in columns]
    while not result.is_full and (rows := validator.validate(islice(table.rows, BATCH_SIZE))):
        if staged:
            staging.stage(row for row in rows if not row.errors)
        for row in rows:
            result.add(row, columns)
    if not result.counts:
        raise ValidationError(_("The file has no rows below its headings."))
    if count := validator.ignored_changes:
        result.notices.append(str(spreadsheet.ignored_change) % {"rows": f"{count:,}"})


def _write(spreadsheet: Spreadsheet, result: ImportResult, confirmation: Confirmation) -> None:
    if confirmation.expected != result.summary:
        raise ValidationError(
            _("The shop has changed since the preview. Please upload the file again and look once more.")
        )
    log = ImportLog(
        staff_id=confirmation.staff_id,
        file=confirmation.file_name,
        model=spreadsheet.model,
        in_bulk=result.in_bulk,
    )
    if log.in_bulk:
        log.file_imported(added=result.counts["new"], changed=result.counts["changed"])
    staging.write(model=spreadsheet.model, log=log)
