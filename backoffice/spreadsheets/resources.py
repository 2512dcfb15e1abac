"""A file of rows into a table: what members, products and coupons have in common."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from import_export.resources import ModelResource
from import_export.results import Error

from backoffice.spreadsheets import headings
from backoffice.spreadsheets.cells import Cell, ChoiceCell, IdCell, IntegerCell, TextCell, TimestampCell
from backoffice.spreadsheets.files import Table
from backoffice.spreadsheets.notes import notebook
from backoffice.spreadsheets.outcomes import Outcome
from backoffice.spreadsheets.reading import Reader
from backoffice.spreadsheets.rows import Line, Plan, portions
from backoffice.spreadsheets.writing import Log, write

PORTION = 1_000
CELLS: dict[str, type[Cell]] = {
    "BigAutoField": IdCell,
    "BigIntegerField": IntegerCell,
    "DateTimeField": TimestampCell,
}


class FileResource(ModelResource):
    """Reads a file as a whole, says what it would change or what is wrong, writes all of it or nothing."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # Written by exports for people to read, and left alone by imports.
    shown_only: tuple[str, ...] = ()
    # What a row that is there already keeps, whatever the file says; and what to say of it.
    kept: tuple[str, ...] = ()
    kept_notice: "str | Promise" = ""
    # A row without an id that has another's name is refused: it may be the same file a second time.
    unique_names = False

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """The fields a file may have, in the order in which exports write them."""
        return ("id", *cls.required, *cls.optional, *cls.shown_only)

    @classmethod
    def label(cls, name: str) -> str:
        """A column's heading in the reader's language."""
        return headings.label(cls._meta.model, name)

    @classmethod
    def cell(cls, name: str) -> Cell:
        """How a column's cells are read and written."""
        field = headings.field_of(cls._meta.model, name)
        return (
            ChoiceCell(field.choices) if field.choices else CELLS.get(field.get_internal_type(), TextCell)()
        )

    def check(self, line: Line) -> None:
        """Refuse what only this kind of row refuses."""

    def import_data_inner(self, dataset: Table, dry_run: bool, *_more: Any, **given: Any) -> Outcome:  # noqa: FBT001
        """What django-import-export asks for, in its transaction; writes nothing before all is right."""
        outcome, plan = Outcome(), Plan(kept=not dry_run)
        with notebook():
            try:
                self._read(dataset, outcome, plan)
                if not dry_run and not outcome.fails:
                    self._write(outcome, plan, given)
            except ValidationError as refusal:
                outcome.append_base_error(Error(refusal))
        return outcome

    def _read(self, table: Table, outcome: Outcome, plan: Plan) -> None:
        fields = headings.named(
            table.headers, model=self._meta.model, known=self.columns(), required=self.required
        )
        reader = Reader(resource=self, fields=fields)
        outcome.sheet = table.sheet
        outcome.notices.extend(table.notices)
        outcome.diff_headers = [self.label(name) for name in reader.read_fields]
        for lines in portions(map(reader.line, table), PORTION):
            reader.judge(lines)
            outcome.add(lines, plan, reader)
            if outcome.is_full:
                break
        if not reader.numbers:
            raise ValidationError(_("The file has no rows below its headings."))
        if reader.kept_otherwise:
            outcome.notices.append(str(self.kept_notice) % {"rows": f"{reader.kept_otherwise:,}"})

    def _write(self, outcome: Outcome, plan: Plan, given: dict[str, Any]) -> None:
        if given["expected"] != outcome.summary:
            raise ValidationError(
                _("The shop has changed since the preview. Please upload the file again and look once more.")
            )
        file = given["file_name"]
        log = Log(staff_id=given["user"].pk, file=file, model=self._meta.model, in_bulk=outcome.in_bulk)
        write(plan, model=self._meta.model, log=log)
